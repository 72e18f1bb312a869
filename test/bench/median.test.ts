import { describe, expect, it } from "vitest";
import { summarize } from "../../bench/src/report/median.mjs";

const contestants = [
  { name: "ws", label: "ws" },
  { name: "spry-koa", label: "spry-ws, Koa" },
];
const scene = { name: "echo", contestants: ["spry-http", "spry-koa", "ws"], measures: [] };
const trial = (perSecond: number, otherWork = 0) => ({ result: { perSecond, otherWork, notes: [] } });

describe("the summary of a scene", () => {
  it("has the median of the calm rounds", () => {
    const trials = new Map([
      ["ws", [trial(1), trial(3), trial(2), trial(100, 0.5)]],
      ["spry-koa", [trial(5, 0.5), trial(7, 0.9)]],
    ]);
    const { results } = summarize(scene, contestants, trials);
    expect(results.map(({ median }) => median?.["perSecond"])).toEqual([2, 6]);
  });

  it("names what failed", () => {
    const trials = new Map([
      ["ws", [{ error: "wrong bytes" }, trial(3)]],
      ["spry-koa", [{ error: "refused" }]],
    ]);
    const { results } = summarize(scene, contestants, trials);
    expect(results.map(({ problem }) => problem)).toEqual([
      "in 1 of 2 rounds failed: wrong bytes",
      "failed: refused",
    ]);
  });

  it("compares with another of ours in a run without the usual one", () => {
    const trials = new Map(contestants.map(({ name }) => [name, [trial(1)]]));
    expect(summarize(scene, contestants, trials).ours).toBe("spry-koa");
  });
});
