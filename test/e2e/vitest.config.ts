import { defineConfig } from "vitest/config";

// A project of its own: it needs a build and a browser, which `pnpm test` does not.
export default defineConfig({
  root: import.meta.dirname,
  test: {
    name: "e2e",
    include: ["*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
