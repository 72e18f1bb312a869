import { describe, expect, it } from "vitest";
import { parseOptions, UsageError } from "../../bench/src/options.mjs";

describe("the command line of the benchmark", () => {
  it("runs everything, three times, unless told otherwise", () => {
    const options = parseOptions([]);
    expect(options).toMatchObject({ rounds: 3, quick: false, isWhole: true });
    expect(options.scenes.length).toBeGreaterThan(10);
  });

  it("takes a framework for all of its contestants", () => {
    const { contestants, isWhole } = parseOptions(["--contestants", "koa,ws"]);
    expect(contestants).toEqual(["spry-koa", "spry-service-koa", "ws", "koa-easy-ws", "spry-redis-koa"]);
    expect(isWhole).toBe(false);
  });

  it("takes a group for all of its scenes", () => {
    const { scenes } = parseOptions(["--only", "large,echo"]);
    expect(scenes.map(({ name }) => name)).toEqual(["echo", "echo-16k", "echo-64k", "echo-1m"]);
  });

  it("says what there is where a name is unknown", () => {
    expect(() => parseOptions(["--only", "eco"])).toThrow(UsageError);
    expect(() => parseOptions(["--only", "eco"])).toThrow(/--only: eco is none of echo, burst/);
    expect(() => parseOptions(["--rounds", "0"])).toThrow(/--rounds takes a whole number above 0/);
  });
});
