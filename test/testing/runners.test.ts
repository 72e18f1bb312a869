import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../..");
const require = createRequire(import.meta.url);

/** Runs Node, without what vitest has put into the environment. Rejects, with the output, for another exit code than 0. */
async function node(...args: string[]): Promise<string> {
  const { NODE_OPTIONS: _, VITEST: __, NODE_ENV: ___, ...env } = process.env;
  const options = { cwd: root, env: { ...env, NO_COLOR: "1" }, timeout: 60_000 };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, options);
  return stdout + stderr;
}

// As a user has it: the built packages, loaded by the runner itself.
describe("in another runner", { timeout: 60_000 }, () => {
  beforeAll(async () => {
    const tsc = join(
      dirname(createRequire(join(root, "package.json")).resolve("typescript/package.json")),
      "bin/tsc",
    );
    await node(tsc, "-b", "packages/express", "packages/fastify", "packages/koa", "packages/testing");
  }, 60_000);

  it("works in jest, with ES modules", async () => {
    const jest = require.resolve("jest/bin/jest");
    const config = join(here, "runners/jest.config.json");
    const output = await node("--experimental-vm-modules", jest, "--config", config, "--runInBand");
    expect(output).toMatch(/Tests: +4 passed, 4 total/);
    expect(output).not.toContain("did not exit");
  });

  it("works in node:test", async () => {
    const output = await node("--test", "--test-reporter=tap", join(here, "runners/koa.node.mjs"));
    expect(output).toMatch(/# pass 7\n# fail 0/);
  });

  it("has a network that mocked timers do not stop", async () => {
    const output = await node("--test", "--test-reporter=tap", join(here, "runners/network.node.mjs"));
    expect(output).toMatch(/# pass 1\n# fail 0/);
  });
});
