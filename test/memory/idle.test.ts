import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const program = fileURLToPath(new URL("idle.mjs", import.meta.url));

/** Bytes on the heap for each connection: of the rounds the one in which least else was going on. */
async function idleBytes(adapter: string, options = {}): Promise<number> {
  const args = ["--expose-gc", program, adapter, JSON.stringify(options)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return Math.min(...(JSON.parse(stdout) as number[]));
}

// In processes of their own: what is measured is the heap of the whole process.
describe("an idle connection", () => {
  it.each([
    { adapter: "http", most: 3_000 },
    { adapter: "express", most: 4_500 },
    { adapter: "koa", most: 4_500 },
    { adapter: "fastify", most: 4_200 },
  ])("keeps at most $most bytes with $adapter", { timeout: 120_000 }, async ({ adapter, most }) => {
    expect(await idleBytes(adapter)).toBeLessThanOrEqual(most);
  });

  it("keeps at most 3,500 bytes with express where the request is let go of", {
    timeout: 120_000,
  }, async () => {
    expect(await idleBytes("express", { releaseRequest: true })).toBeLessThanOrEqual(3_500);
  });
});
