import {
  type ClientFrame,
  decodeClientFrame,
  decodeServerFrame,
  encodeFrame,
  type ServerFrame,
  WireError,
} from "@spry-ws/contract/wire";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const text = fc.string({ maxLength: 60 });
const count = fc.nat();
const position = fc.option(text);
/** Undefined and -0 are not in JSON. */
const value = fc.oneof(
  fc.jsonValue().map((json) => JSON.parse(JSON.stringify(json)) as unknown),
  fc.uint8Array({ maxLength: 200 }),
);

const members = fc.array(
  fc.tuple(
    text,
    fc.jsonValue().map((json) => JSON.parse(JSON.stringify(json)) as unknown),
  ),
);
const presence = fc.oneof(
  fc.record({ count }),
  fc.record({ count, all: members, from: count }),
  fc.record({ count, set: members, gone: fc.array(text) }, { requiredKeys: ["count"] }),
);

const clientFrames = fc.oneof(
  fc.tuple(fc.constant("h"), text, fc.array(fc.tuple(text, position))),
  fc.tuple(fc.constant("h"), text, fc.array(fc.tuple(text)), text),
  fc.tuple(fc.constant("s"), text),
  fc.tuple(fc.constant("s"), text, position),
  fc.tuple(fc.constant("u"), text),
  fc.tuple(fc.constant("u"), text, count),
  fc.tuple(fc.constant("p"), text, count),
  fc.tuple(fc.constant("q"), count, text, value),
  fc.tuple(fc.constant("q"), count, text, value, text),
  fc.tuple(fc.constant("x"), count),
  fc.tuple(fc.constant("e"), text, value),
  fc.tuple(fc.constant("a"), count),
  fc.tuple(fc.constant("t"), text),
  fc.constant([]),
) as unknown as fc.Arbitrary<ClientFrame>;

const serverFrames = fc.oneof(
  fc.tuple(fc.constant("h"), text, count),
  fc.tuple(fc.constant("s"), text, fc.constantFrom("live", "resumed", "gap", "refused")),
  fc.tuple(fc.constant("s"), text, fc.constant("gap"), position, value),
  fc.tuple(fc.constant("r"), count),
  fc.tuple(fc.constant("r"), count, value),
  fc.tuple(fc.constant("c"), count, value),
  fc.tuple(fc.constant("f"), count, fc.record({ code: text, message: text })),
  fc.tuple(fc.constant("m"), text, position, value),
  fc.tuple(fc.constant("g"), text, position),
  fc.tuple(fc.constant("g"), text, position, value),
  fc.tuple(fc.constant("P"), text, presence),
  fc.tuple(fc.constant("b"), count),
  fc.constant([]),
) as unknown as fc.Arbitrary<ServerFrame>;

describe("frames", () => {
  it("of a client come as they were sent", () => {
    fc.assert(
      fc.property(clientFrames, (frame) => {
        expect(decodeClientFrame(encodeFrame(frame))).toEqual(frame);
      }),
      { numRuns: 500, verbose: true },
    );
  });

  it("of a service come as they were sent", () => {
    fc.assert(
      fc.property(serverFrames, (frame) => {
        expect(decodeServerFrame(encodeFrame(frame))).toEqual(frame);
      }),
      { numRuns: 500, verbose: true },
    );
  });

  it("leave out a value that is undefined, which JSON would make null", () => {
    expect(encodeFrame(["r", 1, undefined])).toBe('["r",1]');
  });

  it("carry bytes behind a line feed, in the place of the value", () => {
    const bytes = encodeFrame(["q", 7, "upload", new Uint8Array([1, 10, 255]), "peer"]);
    expect(Buffer.from(bytes as Uint8Array)).toEqual(
      Buffer.concat([Buffer.from('["q",7,"upload","peer"]\n'), Buffer.from([1, 10, 255])]),
    );
  });

  it("of unknown kinds are ignored, and so are further elements", () => {
    expect(decodeClientFrame('["future",1,2]')).toBeUndefined();
    expect(decodeClientFrame('["toString"]')).toBeUndefined();
    expect(decodeClientFrame('["__proto__"]')).toBeUndefined();
    expect(decodeClientFrame("[1]")).toBeUndefined();
    expect(decodeClientFrame("[null]")).toBeUndefined();
    expect(decodeClientFrame('[["x"],3]')).toBeUndefined();
    expect(decodeClientFrame('["x",3,"new"]')).toEqual(["x", 3, "new"]);
  });

  it.each([
    "",
    "null",
    "{}",
    '"q"',
    '["q"]',
    '["q",1,"say"]',
    '["q","1","say",{}]',
    '["q",-1,"say",{}]',
    '["q",1.5,"say",{}]',
    '["q",1e300,"say",{}]',
    '["q",1,["say"],{}]',
    '["q",1,"say",{},1]',
    '["h",1,[]]',
    '["h","id",{}]',
    '["h","id",["rooms"]]',
    '["h","id",[["rooms",1]]]',
    '["s",null]',
    `["s","${"x".repeat(600)}"]`,
    `["t","${"x".repeat(20_000)}"]`,
    '["p","rooms"]',
    '["p","rooms",true]',
    '["u","rooms","x"]',
  ])("that are none are an error: %s", (frame) => {
    expect(() => decodeClientFrame(frame)).toThrow(WireError);
  });

  it.each([
    "null",
    "[]",
    "{}",
    '{"count":-1}',
    '{"count":1,"all":{}}',
    '{"count":1,"all":["a"]}',
    '{"count":1,"all":[null]}',
    '{"count":1,"set":[[1,2]]}',
    `{"count":1,"set":[["${"x".repeat(600)}",2]]}`,
    '{"count":1,"gone":[["a"]]}',
    '{"count":1,"gone":null}',
  ])("that say who is there in another way are an error: %s", (presence) => {
    expect(() => decodeServerFrame(`["P","rooms",${presence}]`)).toThrow(WireError);
  });

  it.each(["toString", "__proto__", "constructor", "future"])(
    "of unknown kinds are ignored, also with bytes: %s",
    (kind) => {
      expect(decodeClientFrame(Buffer.from(`["${kind}",1]\nbytes`))).toBeUndefined();
      expect(decodeServerFrame(Buffer.from(`["${kind}",1]\nbytes`))).toBeUndefined();
    },
  );

  it.each([
    ["without a line feed", '["e","x"]'],
    ["whose header is not JSON", '["e"\n'],
    ["of a kind that has no value", '["x",1]\nbytes'],
  ])("that are binary %s are an error", (_what, bytes) => {
    expect(() => decodeClientFrame(Buffer.from(bytes))).toThrow(WireError);
  });

  it("never make anything but a frame, nothing or that error of what a stranger sends", () => {
    const anything = fc.oneof(fc.json({ maxDepth: 4 }), fc.string(), fc.uint8Array());
    fc.assert(
      fc.property(anything, (data) => {
        try {
          const frame = decodeClientFrame(data);
          expect(frame === undefined || Array.isArray(frame)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
      }),
      { numRuns: 2_000, verbose: true },
    );
  });

  it("of a million brackets are an error or a frame, not the end of the process", () => {
    const deep = `["e","x",${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}]`;
    expect(decodeClientFrame(deep)?.[0]).toBe("e");
    const deepKind = `[${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}]`;
    expect(decodeClientFrame(deepKind)).toBeUndefined();
    expect(decodeClientFrame(Buffer.from(`${deepKind}\nbytes`))).toBeUndefined();
  });
});
