import { describe, expect, it } from "vitest";
import { baselineOf, type Costs, compareCosts } from "../../bench/src/message-costs/baseline.mjs";

const costs: Costs = { heapBytes: 2_000, arrayBufferBytes: 40, writes: 1 };
const measured = (changed: Partial<Costs>) => [
  { scene: "echo", server: "spry-koa", costs: { ...costs, ...changed } },
];
const baseline = baselineOf(measured({}), "20.19.0", "abc1234");

describe("what a message costs, beside what it cost", () => {
  it("is the same within 5 %", () => {
    const { more, less } = compareCosts(baseline, measured({ heapBytes: 2_099, arrayBufferBytes: 47 }));
    expect([more, less]).toEqual([[], []]);
  });

  it("fails beyond, and says where, and since when", () => {
    const { more, less } = compareCosts(baseline, measured({ heapBytes: 2_200, writes: 2 }));
    expect(more).toEqual([
      "echo, spry-koa: 2200 bytes on the heap (+10 %), and 2000 at commit abc1234",
      "echo, spry-koa: 2 writes to a socket (+100 %), and 1 at commit abc1234",
    ]);
    expect(less).toEqual([]);
  });

  it("notes what has become less", () => {
    const { more, less } = compareCosts(baseline, measured({ heapBytes: 1_500 }));
    expect(more).toEqual([]);
    expect(less).toEqual(["echo, spry-koa: 1500 bytes on the heap (-25 %), and 2000 at commit abc1234"]);
  });

  it("fails for what was never recorded", () => {
    const [one] = measured({});
    const { more } = compareCosts(baseline, [{ ...one, server: "spry-http", scene: "echo", costs }]);
    expect(more).toEqual(["echo, spry-http: has no baseline yet"]);
  });
});
