import { defineContract, type Schema, ServiceError } from "@spry-ws/contract";
import { parse } from "@spry-ws/contract/wire";
import { type } from "arktype";
import Type, { type Static, type TSchema } from "typebox";
import Value from "typebox/value";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { z } from "zod";

const text = z.string();

function ofTypebox<T extends TSchema>(schema: T): Schema<Static<T>> {
  const validate = (value: unknown) =>
    Value.Check(schema, value)
      ? { value }
      : {
          issues: Value.Errors(schema, value).map(({ message, instancePath }) => ({
            message,
            path: instancePath.split("/").slice(1),
          })),
        };
  return { "~standard": { version: 1, vendor: "typebox", validate } };
}

describe("a contract", () => {
  it("is the object it was given", () => {
    const contract = {
      requests: { say: { input: text, output: text } },
      topics: { news: { message: text } },
    };
    expect(defineContract(contract)).toBe(contract);
    expect(defineContract({})).toEqual({});
  });

  it.each<[what: string, contract: unknown, error: RegExp]>([
    ["nothing", undefined, /a contract must be an object/],
    ["an unknown member", { request: {} }, /a contract has no "request"; there are version, requests/],
    ["a group that is none", { requests: 1 }, /"requests" of a contract must be an object/],
    ["a version that is no string", { version: 2 }, /"version" of a contract must be a string, not 2/],
    ["a request that is a schema", { requests: { say: text } }, /write \{ input: schema \}/],
    ["a request with an unknown member", { requests: { say: { inputs: text } } }, /has no "inputs"/],
    ["a schema that is none", { requests: { say: { input: String } } }, /"input" is no schema/],
    ["two kinds of answers", { requests: { say: { output: text, stream: text } } }, /one value, or many/],
    ["a flag that is none", { requests: { say: { repeatable: 1 } } }, /"repeatable" must be true or false/],
    ["an event without a schema", { events: { typing: undefined } }, /the event "typing" is no schema/],
    ["an event without a name", { events: { "": text } }, /has 1 to 128 characters/],
    ["a topic without a message", { topics: { news: {} } }, /the topic "news": "message" is no schema/],
    [
      "a history that is none",
      { topics: { news: { message: text, history: {} } } },
      /"history" must be true/,
    ],
    [
      "a snapshot that is no schema",
      { topics: { news: { message: text, history: true, snapshot: String } } },
      /the topic "news": "snapshot" is no schema/,
    ],
    [
      "a presence that is no schema",
      { topics: { news: { message: text, presence: true } } },
      /the topic "news": "presence" is no schema: it must implement Standard Schema/,
    ],
    [
      "a snapshot of a topic without a log",
      { topics: { news: { message: text, snapshot: text } } },
      /has a "snapshot", which needs "history: true"/,
    ],
    ["a topic that is no pattern", { topics: { "/news": { message: text } } }, /is no pattern/],
    [
      "topics that could be the same",
      { topics: { "a/:b": { message: text }, "a/b": { message: text } } },
      /can have the same name/,
    ],
  ])("with %s is refused, and told what to write", (_what, contract, error) => {
    const define = defineContract as (contract: unknown) => unknown;
    expect(() => define(contract)).toThrow(error);
    expect(() => define(contract)).toThrow(expect.objectContaining({ code: "SPRY_WS_CONTRACT" }));
  });
});

describe("a schema", () => {
  const libraries = {
    zod: z.object({ room: z.string(), count: z.number().default(1) }),
    valibot: v.object({ room: v.string(), count: v.optional(v.number(), 1) }),
    arktype: type({ room: "string", count: "number = 1" }),
  };

  it.each(Object.entries(libraries))("of %s gives its output", (_library, schema) => {
    expect(parse(schema, { room: "42" }, "the input")).toEqual({ room: "42", count: 1 });
  });

  it.each(Object.entries(libraries))("of %s tells what does not fit, and where", (_library, schema) => {
    try {
      parse(schema, { room: 42 }, 'the input of "say"');
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(ServiceError);
      expect(error).toMatchObject({
        code: "invalid",
        message: 'the input of "say" is invalid',
        issues: [{ path: ["room"], message: expect.any(String) }],
      });
      expect(JSON.parse(JSON.stringify((error as ServiceError).issues))).toEqual(
        (error as ServiceError).issues,
      );
    }
  });

  it("of a library without Standard Schema is a few lines around its own check, as for typebox", () => {
    const room = ofTypebox(Type.Object({ room: Type.String() }));
    defineContract({ requests: { join: { input: room } } });
    expect(parse(room, { room: "42" }, "the input")).toEqual({ room: "42" });
    expect(() => parse(room, { room: 42 }, "the input")).toThrow(
      expect.objectContaining({ code: "invalid", issues: [{ message: expect.any(String), path: ["room"] }] }),
    );
  });

  it("that checks asynchronously is refused", () => {
    const slow = z.string().refine(async () => true);
    expect(() => parse(slow, "x", "the input")).toThrow(/checks asynchronously/);
  });
});
