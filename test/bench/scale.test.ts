import { describe, expect, it } from "vitest";
import { parseScaleOptions, spread } from "../../bench/src/scale/options.mjs";

describe("the benchmark of many connections", () => {
  it("takes as many as there may be open files, and says what to set for more", () => {
    expect(parseScaleOptions([], 200_000)).toEqual({ connections: 100_000 });
    const { connections, note } = parseScaleOptions(["--connections", "50000"], 20_000);
    expect(connections).toBe(19_800);
    expect(note).toContain("ulimit -n 50200");
  });

  it("refuses what is no number of connections", () => {
    expect(() => parseScaleOptions(["--connections", "many"], 20_000)).toThrow(
      /whole number from 1000 on, not many/,
    );
  });

  it("spreads them over addresses", () => {
    expect(spread(25_000, 10_000)).toEqual([
      { address: "127.0.0.2", count: 8_334 },
      { address: "127.0.0.3", count: 8_333 },
      { address: "127.0.0.4", count: 8_333 },
    ]);
  });
});
