import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const program = fileURLToPath(new URL("secrets.mjs", import.meta.url));

interface Found {
  readonly open: readonly string[];
  readonly closed: readonly string[];
}

// Equal headers of many clients are one string on the heap, which stays. A secret must not be among them.
describe("a secret of a handshake", () => {
  it.each(["http", "express", "koa", "fastify"])(
    "is not on the heap any more when its connection has ended, with %s",
    { timeout: 60_000 },
    async (adapter) => {
      const { stdout } = await promisify(execFile)(process.execPath, ["--expose-gc", program, adapter]);
      const { open, closed } = JSON.parse(stdout) as Found;
      // It would be found: `useHeaders(peer)` has it.
      expect(open).toContain("Cookie");
      expect(closed).toEqual([]);
    },
  );
});
