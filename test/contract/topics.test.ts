import { TopicPatterns, topicOf } from "@spry-ws/contract/wire";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

describe("the name of a topic", () => {
  it("is the pattern with its parameters", () => {
    expect(topicOf("rooms/:room/people/:person", { room: "42", person: "ada" })).toBe("rooms/42/people/ada");
    expect(topicOf("news")).toBe("news");
  });

  it("keeps what a parameter holds from being taken for another part", () => {
    expect(topicOf("rooms/:room", { room: "a/b:c%" })).toBe("rooms/a%2Fb%3Ac%25");
  });

  it.each([
    ["missing", {}],
    ["empty", { room: "" }],
    ["no string", { room: 42 }],
    ["half of a surrogate pair", { room: "\ud800" }],
    ["unknown", { room: "1", rom: "2" }],
    ["too long", { room: "x".repeat(600) }],
  ])("is refused for a parameter that is %s", (_what, params) => {
    expect(() => topicOf("rooms/:room", params as Record<string, string>)).toThrow(
      expect.objectContaining({ code: "SPRY_WS_CONTRACT" }),
    );
  });

  it("leads back to its pattern and parameters, whatever these hold", () => {
    const patterns = new TopicPatterns(["news", "rooms/:room", "rooms/:room/:kind/log", "a/:b/c"]);
    const part = fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(part, part, (room, kind) => {
        const params = { room, kind };
        const topic = topicOf("rooms/:room/:kind/log", params);
        expect(patterns.match(topic)).toEqual({ pattern: "rooms/:room/:kind/log", params });
      }),
      { verbose: true },
    );
  });

  it("has one form: what no publisher would write matches nothing", () => {
    const patterns = new TopicPatterns(["rooms/:room"]);
    for (const topic of ["rooms/%61", "rooms/%2f", "rooms/", "rooms/%", "rooms/a/b", "Rooms/a", "rooms", ""])
      expect(patterns.match(topic), topic).toBeUndefined();
  });
});

describe("patterns", () => {
  it.each([
    ["rooms/:room", "rooms/:other"],
    ["rooms/:room", "rooms/all"],
    [":kind/all", "rooms/:room"],
  ])("%s and %s are refused together, as one topic could be of both", (one, other) => {
    expect(() => new TopicPatterns([one, other])).toThrow(/can have the same name/);
  });

  it.each(["", "/rooms", "rooms/", "rooms//x", "rooms/:", "rooms/:a/:a", "rooms/*", "a b", ":__proto__"])(
    "%j is refused",
    (pattern) => {
      expect(() => new TopicPatterns([pattern])).toThrow(/is no pattern/);
    },
  );
});
