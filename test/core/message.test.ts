import { Readable } from "node:stream";
import { createSpryWs, isSpryWsError, Message } from "@spry-ws/core";
import { describe, expect, it } from "vitest";
import { catchError } from "../fixtures/catch-error.ts";

describe("Message", () => {
  it("decodes and encodes once", () => {
    const message = Message.bytes(new TextEncoder().encode("é"));
    expect(message.text()).toBe("é");
    expect(message.bytes()).toBe(message.bytes());
    expect(Message.text("é").bytes()).toEqual(new Uint8Array([0xc3, 0xa9]));
    expect(`${Message.text("a")}`).toBe("a");
  });

  it("keeps a byte order mark, and replaces invalid UTF-8 in binary messages", () => {
    expect(Message.bytes(new Uint8Array([0xef, 0xbb, 0xbf, 0x61])).text()).toBe("\ufeffa");
    expect(Message.bytes(new Uint8Array([0xff])).text()).toBe("\ufffd");
  });

  it("parses JSON, and throws for what is none", () => {
    expect(Message.text('{"a":[1]}').json<{ a: number[] }>().a).toEqual([1]);
    expect(() => Message.text("{").json()).toThrow(SyntaxError);
  });

  it("gives bytes of the class its type names, not a Buffer whose slice shares memory", () => {
    const bytes = Message.bytes(Buffer.from("abc")).bytes();
    expect(Buffer.isBuffer(bytes)).toBe(false);
    expect(bytes).toEqual(new Uint8Array([97, 98, 99]));
  });

  it.each([
    ["Message.text(5)", () => Message.text(5 as never), /takes a string, not a number.*Message\.json/],
    ["Message.text(blob)", () => Message.text(new Blob([]) as never), /not a Blob.*await value\.text\(\)/],
    ["Message.bytes('a')", () => Message.bytes("a" as never), /not a string.*Message\.text/],
    ["Message.bytes(blob)", () => Message.bytes(new Blob([]) as never), /await value\.arrayBuffer\(\)/],
    [
      "Message.json(promise)",
      () => Message.json(Promise.resolve(1)),
      /write a Promise as \{\}; await it first/,
    ],
    ["Message.json(blob)", () => Message.json(new Blob(["a"])), /write a Blob as \{\}.*arrayBuffer\(\)/],
    ["Message.json(stream)", () => Message.json(new ReadableStream()), /as \{\}.*for await/],
    ["Message.json(undefined)", () => Message.json(undefined), /cannot write undefined as JSON/],
    ["Message.json(1n)", () => Message.json(1n), /cannot write a bigint as JSON/],
  ])("throws for %s", (_name, call, text) => {
    expect(call).toThrow(TypeError);
    expect(call).toThrow(text);
    expect(catchError(call)).toSatisfy(isSpryWsError);
  });
});

describe("data that no frame carries", () => {
  class Message {
    readonly isText = true;
  }

  it.each<[string, unknown, RegExp]>([
    ["an object", { a: 1 }, /not an object; to send it as JSON write Message\.json\(value\)/],
    ["a number", 5, /not a number; to send it as JSON write Message\.json\(value\)/],
    ["null", null, /not null; to send it as JSON/],
    ["undefined", undefined, /not undefined; an empty message is ""/],
    ["a Blob", new Blob(["a"]), /not a Blob; write await value\.arrayBuffer\(\)/],
    ["a File", new File(["a"], "a.txt"), /not a File; write await value\.arrayBuffer\(\)/],
    ["a Response", new Response("a"), /not a Response; write await value\.arrayBuffer\(\)/],
    ["a promise", Promise.resolve("a"), /not a Promise; await it first/],
    // biome-ignore lint/suspicious/noThenProperty: what a query builder is
    ["a thenable", { then() {} }, /not an object; await it first/],
    ["a stream", new ReadableStream(), /not a ReadableStream; write for await/],
    ["a stream of Node's", Readable.from(["a"]), /not a Readable; write for await/],
    ["an async generator", (async function* () {})(), /write for await/],
    ["a function", () => "a", /not a function; call it/],
    ["an async function", async () => "a", /not a function; call it, and send what it returns in the end/],
    ["a BigInt", 1n, /not a bigint; write String\(value\)/],
    ["a URL", new URL("http://a"), /not a URL; write String\(value\)/],
    ["a Map", new Map(), /not a Map; write Message\.json\(Object\.fromEntries\(value\)\)/],
    ["a Set", new Set(), /not a Set; write Message\.json\(\[\.\.\.value\]\)/],
    ["an Error", new Error("a"), /not an Error; write Message\.json\(\{ message: value\.message \}\)/],
    ["shared memory", new SharedArrayBuffer(1), /write new Uint8Array\(value\)/],
    [
      "a Buffer that was JSON",
      JSON.parse(JSON.stringify(Buffer.from("a"))),
      /write Buffer\.from\(value\.data\)/,
    ],
    ["a Message of another copy", new Message(), /of another copy of @spry-ws\/core/],
  ])("is refused with what to write instead: %s", (_name, data, text) => {
    const publish = () => createSpryWs().publish("topic", data as never);
    expect(publish).toThrow(text);
    expect(catchError(publish)).toMatchObject({ code: "SPRY_WS_DATA" });
  });

  it("is not what shared memory is a view of", () => {
    expect(() => createSpryWs().publish("topic", new Uint8Array(new SharedArrayBuffer(1)))).not.toThrow();
  });
});
