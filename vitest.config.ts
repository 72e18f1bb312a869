import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { isOther, reporters } from "./test/fixtures/skipped.ts";

// The packages are tested from their sources: no build is needed, and coverage sees them.
// Nothing but our own condition: vitest hands them to Node, where "import" would make require() load ES modules.
const conditions = ["@spry-ws/source"];

const react18 = (path: string) =>
  fileURLToPath(new URL(`test/react-18/node_modules/${path}`, import.meta.url));

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    reporters,
    // The tests wait most of the time: for heartbeats, deadlines, brokers that come back.
    maxWorkers: 2 * availableParallelism(),
    onConsoleLog: isOther,
    coverage: {
      provider: "v8",
      include: ["packages/*/src/**/*.ts"],
      // What node:cluster's processes run, of which the run sees nothing: test/backplanes/node-cluster.
      exclude: ["packages/core/src/backplane/{node-cluster,cluster-primary}.ts"],
      reporter: ["text", "lcov"],
      thresholds: { lines: 95 },
    },
    projects: [
      {
        extends: true,
        test: {
          name: "behaviour",
          include: ["test/**/*.test.ts"],
          exclude: ["test/e2e/**", "**/node_modules/**"],
          testTimeout: 10_000,
        },
      },
      {
        extends: true,
        test: {
          name: "fast paths off",
          // The suites of all adapters once more, with every byte read and written by ws.
          include: [
            "test/{express-4,express-5,fastify-5,koa-2,koa-3,http,websocket-libraries}.test.ts",
            "test/frames/differential.test.ts",
          ],
          env: { SPRY_WS_FAST_PATHS: "off" },
          testTimeout: 10_000,
        },
      },
      {
        extends: true,
        resolve: { alias: { "react-dom/client": react18("react-dom/client.js"), react: react18("react") } },
        test: { name: "react 18", include: ["test/client/react.test.ts"], testTimeout: 10_000 },
      },
      {
        extends: true,
        test: {
          name: "types",
          include: [],
          typecheck: {
            enabled: true,
            only: true,
            include: ["test/types/*.test-d.ts"],
            tsconfig: "test/tsconfig.json",
          },
        },
      },
    ],
  },
});
