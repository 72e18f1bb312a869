import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { missingRedis, startRedis } from "../fixtures/brokers.ts";
import { Client } from "../fixtures/client.ts";
import { redisLibraries } from "./redis-clients.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const program = fileURLToPath(new URL("redis-exit-app.mjs", import.meta.url));

describe.skipIf(missingRedis()).each(redisLibraries)(
  "a process with $name",
  { timeout: 60_000 },
  ({ name }) => {
    // The processes run what is built: Node 20 runs no TypeScript.
    beforeAll(() => {
      execFileSync("npx", ["tsc", "-b", "packages/redis"], { cwd: root });
    }, 60_000);

    it.each(["is there", "has gone"])(
      "ends by itself when its server closes, where Redis %s",
      async (state) => {
        await using server = await startRedis();
        const app = fork(program, [name, server.url], { execArgv: [], silent: true });
        const exited = once(app, "exit");
        const output = app.stdout?.toArray();
        const [port] = await once(app, "message");
        await using client = await Client.open(`ws://127.0.0.1:${port}/`);
        if (state === "has gone") await server.kill();
        app.send("close");
        expect((await client.closed).code).toBe(1001);
        expect(await exited).toEqual([0, null]);
        expect(String(await output)).toBe("closed\n");
      },
    );
  },
);
