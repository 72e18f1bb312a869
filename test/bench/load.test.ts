import { describe, expect, it } from "vitest";
import { countWithin } from "../../bench/src/laps.mjs";
import { LatencyHistogram } from "../../bench/src/load/histogram.mjs";

describe("the histogram of latencies", () => {
  it("gives quantiles to 5 µs", () => {
    const histogram = new LatencyHistogram();
    for (let i = 1; i <= 1_000; i++) histogram.add(i / 10);
    const { p50Ms, p99Ms, p999Ms } = histogram.quantiles();
    expect(p50Ms).toBeCloseTo(50, 1);
    expect(p99Ms).toBeCloseTo(99, 1);
    expect(p999Ms).toBeCloseTo(99.9, 1);
  });

  it("counts what is above its range as the longest", () => {
    const histogram = new LatencyHistogram();
    histogram.add(60_000);
    expect(histogram.quantile(0.5)).toBeCloseTo(2_000, 1);
  });

  it("forgets the warm-up", () => {
    const histogram = new LatencyHistogram();
    histogram.add(100);
    histogram.clear();
    histogram.add(1);
    expect(histogram.quantile(0.999)).toBeCloseTo(1, 1);
  });
});

it("counts what falls into the laps of a measurement", () => {
  const laps = [
    [10, 20],
    [30, 40],
  ] as const;
  expect(countWithin(laps, [9, 10, 15, 20, 25, 39, 41])).toBe(4);
  expect(countWithin([], [1])).toBe(0);
});
