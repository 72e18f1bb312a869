import { defineConfig } from "vitest/config";
import { settings } from "./settings.ts";

// A run of its own (`pnpm test:hostility`): it takes a minute, and measures times, so nothing else should run beside it.
export default defineConfig({
  root: import.meta.dirname,
  test: {
    name: "hostility",
    include: ["*.hostility.ts"],
    // Room for what a slow machine needs to start, to settle and to end; each of these waits has a bound of its own.
    testTimeout: settings.msPerAdapter + 60_000,
    disableConsoleIntercept: true,
    // Hands the seed of the config's process to the one that runs the tests.
    env: { HOSTILITY_SEED: String(settings.seed) },
  },
});
