import { describe, expect, it } from "vitest";
import { summarize } from "../../bench/src/report/median.mjs";

const ws = { name: "ws", label: "ws" };
const koa = { name: "spry-koa", label: "spry-ws, Koa" };
const contestants = [ws, koa];
const scene = { name: "echo", contestants: ["spry-http", "spry-koa", "ws"], measures: [] };
const trial = (perSecond: number, otherWork = 0) => ({ result: { perSecond, otherWork, notes: [] } });

describe("the summary of a scene", () => {
  it("has the median of the calm rounds", () => {
    const trials = new Map([
      [ws, [trial(1), trial(3), trial(2), trial(100, 0.5)]],
      [koa, [trial(5, 0.5), trial(7, 0.9)]],
    ]);
    const { results } = summarize(scene, contestants, trials);
    expect(results.map(({ median }) => median?.["perSecond"])).toEqual([2, 6]);
  });

  it("names what failed", () => {
    const trials = new Map([
      [ws, [{ error: "wrong bytes" }, trial(3)]],
      [koa, [{ error: "refused" }]],
    ]);
    const { results } = summarize(scene, contestants, trials);
    expect(results.map(({ problem }) => problem)).toEqual([
      "in 1 of 2 rounds failed: wrong bytes",
      "failed: refused",
    ]);
  });

  it("compares with another of ours in a run without the usual one", () => {
    const trials = new Map(contestants.map((contestant) => [contestant, [trial(1)]]));
    expect(summarize(scene, contestants, trials).ours).toBe("spry-koa");
  });
});
