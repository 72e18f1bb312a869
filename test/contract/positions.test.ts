import { decodePosition, encodePosition } from "@spry-ws/contract/wire";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const word = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
const position = fc.oneof(
  fc.record({ epoch: word, seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), tag: word }),
  fc.record({ epoch: word, seq: fc.constant(0), tag: fc.constant("") }),
);

describe("a position", () => {
  it("is read as it was written", () => {
    fc.assert(
      fc.property(position, (one) => {
        expect(decodePosition(encodePosition(one))).toEqual(one);
      }),
      { numRuns: 300 },
    );
  });

  it("that is read is written as it was: each place has one name", () => {
    const nearly = fc.stringMatching(/^[a-z0-9_-]{0,3}\.?[0-9]{0,3}\.?[a-z0-9_-]{0,3}$/);
    fc.assert(
      fc.property(fc.oneof(nearly, fc.string()), (text) => {
        const read = decodePosition(text);
        if (read) expect(encodePosition(read)).toBe(text);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ["an empty one", ""],
    ["one of too few parts", "e.1"],
    ["one of too many parts", "e.1.t.u"],
    ["no epoch", ".1.t"],
    ["a number with a zero in front", "e.01.t"],
    ["a negative number", "e.-1.t"],
    ["a number that is none", "e.1e3.t"],
    ["a number that is not exact", "e.9007199254740993.t"],
    ["a message without a tag", "e.1."],
    ["the place before the first message with a tag", "e.0.t"],
    ["another character", "e.1.t\u00e4g"],
    ["a line feed at the end", "e.1.t\n"],
    ["an epoch that is too long", `${"e".repeat(65)}.1.t`],
    ["a tag that is too long", `e.1.${"t".repeat(65)}`],
    ["a place to begin", "start"],
    ["a number of messages", "last:50"],
  ])("is none: %s", (_what, text) => {
    expect(decodePosition(text)).toBeUndefined();
  });
});
