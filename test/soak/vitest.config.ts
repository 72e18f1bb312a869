import { randomInt } from "node:crypto";
import { defineConfig } from "vitest/config";

const seconds = Number(process.env["SOAK_SECONDS"] ?? 30);

// A run of its own (`pnpm test:soak`): it takes a minute, and wants all the time of the machine.
export default defineConfig({
  root: import.meta.dirname,
  test: {
    name: "soak",
    include: ["*.soak.ts"],
    // Room for what a slow machine needs to start, to come to rest and to compare.
    testTimeout: seconds * 1_000 + 120_000,
    disableConsoleIntercept: true,
    env: {
      SOAK_SEED: process.env["SOAK_SEED"] ?? String(randomInt(1, 2 ** 31)),
      SOAK_SECONDS: String(seconds),
    },
  },
});
