import { defineConfig } from "vitest/config";
import { isOther, reporters } from "../fixtures/skipped.ts";

// A project of its own: it needs a build and a browser, which `pnpm test` does not.
// The processes it starts run what was built; what it imports is from the sources.
const conditions = ["@spry-ws/source"];

export default defineConfig({
  root: import.meta.dirname,
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    name: "e2e",
    reporters,
    onConsoleLog: isOther,
    include: ["*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
  },
});
