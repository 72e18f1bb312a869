import { memoryBackplane } from "@spry-ws/core";
import { backplaneCases } from "@spry-ws/testing/backplane";
import { describe, expect, it } from "vitest";
import { instancesSuite } from "./instances.ts";

describe("memoryBackplane()", () => {
  const backplane = memoryBackplane();
  for (const { name, run } of backplaneCases({ create: () => ({ backplane, dispose() {} }) })) it(name, run);
});

describe("backplaneCases(setup)", () => {
  it("says which options there are where it is given another", () => {
    expect(() => backplaneCases({ creat() {} } as never)).toThrow(
      /no option "creat"; the options are create, refusedTopic, timeoutMs/,
    );
  });
});

instancesSuite("memoryBackplane()", async () => {
  const backplane = memoryBackplane();
  return { create: () => backplane, async [Symbol.asyncDispose]() {} };
});
