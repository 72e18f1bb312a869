import { memoryBackplane } from "@spry-ws/core";
import { backplaneCases } from "@spry-ws/testing/backplane";
import { describe, it } from "vitest";
import { instancesSuite } from "./instances.ts";

describe("memoryBackplane()", () => {
  const backplane = memoryBackplane();
  for (const { name, run } of backplaneCases({ create: () => ({ backplane, dispose() {} }) })) it(name, run);
});

instancesSuite("memoryBackplane()", async () => {
  const backplane = memoryBackplane();
  return { create: () => backplane, async [Symbol.asyncDispose]() {} };
});
