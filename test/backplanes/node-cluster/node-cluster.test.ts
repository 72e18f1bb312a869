import { type ChildProcess, execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { nodeCluster } from "@spry-ws/core";
import { backplaneCases } from "@spry-ws/testing/backplane";
import { beforeAll, describe, expect, it } from "vitest";
import { Client } from "../../fixtures/client.ts";
import { instancesSuite } from "../instances.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const cases = fileURLToPath(new URL("cases.mjs", import.meta.url));
const stopped = fileURLToPath(new URL("stopped.mjs", import.meta.url));
const thread = fileURLToPath(new URL("thread.mjs", import.meta.url));
const app = fileURLToPath(new URL("app.mjs", import.meta.url));

describe("nodeCluster() in the primary process", () => {
  const create = () => ({ backplane: nodeCluster(), dispose() {} });
  for (const { name, run } of backplaneCases({ create })) it(name, run);
});

// Without workers all instances are in the primary process.
instancesSuite("nodeCluster() in the primary process", async () => ({
  create: nodeCluster,
  async [Symbol.asyncDispose]() {},
}));

interface Started {
  readonly port: number;
  readonly failure?: string;
}

/** Two workers, each on a port of its own. */
async function start(
  mode?: "unserved",
): Promise<AsyncDisposable & { primary: ChildProcess; workers: Started[] }> {
  const primary = fork(app, mode ? [mode] : [], { execArgv: [] });
  const [workers] = (await once(primary, "message")) as [Started[]];
  return {
    primary,
    workers,
    async [Symbol.asyncDispose]() {
      const exited = once(primary, "exit");
      primary.disconnect();
      await exited;
    },
  };
}

async function open({ port }: Started): Promise<Client> {
  const client = await Client.open(`ws://127.0.0.1:${port}/`);
  client.send("ready");
  expect(await client.next()).toBe("ready");
  return client;
}

describe("workers of node:cluster", () => {
  // The processes run what is built: Node 20 runs no TypeScript.
  beforeAll(() => {
    execFileSync("npx", ["tsc", "-b", "packages/testing"], { cwd: root });
  }, 60_000);

  it("pass the cases that every backplane passes", async () => {
    const primary = fork(cases, { execArgv: [] });
    const [failed] = await once(primary, "message");
    expect(failed).toEqual([]);
  }, 30_000);

  it("that are stopped miss what is beyond the bound, and are told once they go on", async () => {
    const primary = fork(stopped, { execArgv: [] });
    const [{ states, received, missingMs }] = await once(primary, "message");
    expect(states).toEqual(["up", expect.stringContaining("did not read for too long"), "up"]);
    expect(received.length).toBeGreaterThan(10);
    expect(received.length).toBeLessThan(25);
    expect(received.at(-1)).toBeLessThan(100);
    expect(missingMs).toBeGreaterThan(500);
    expect(missingMs).toBeLessThan(30_000);
  }, 30_000);

  it("share topics, text and bytes, in order", async () => {
    await using cluster = await start();
    const [one, other] = (await Promise.all(cluster.workers.map(open))) as [Client, Client];
    const large = Buffer.alloc(200_000, 0xfe);
    for (const data of ["1", "2", large, "3"]) one.send(data);
    expect(await other.messages.take(2)).toEqual(["1", "2"]);
    expect(large.equals((await other.next()) as Buffer)).toBe(true);
    expect(await other.next()).toBe("3");
    other.send("back");
    expect(await one.next()).toBe("back");
    one.socket.terminate();
    other.socket.terminate();
  });

  it("go on when one of them is killed", async () => {
    await using cluster = await start();
    const [one, other] = (await Promise.all(cluster.workers.map(open))) as [Client, Client];
    const gone = once(cluster.primary, "message");
    cluster.primary.send(0);
    await gone;
    await Promise.race([one.closed, other.closed]);
    const left = one.socket.readyState === one.socket.OPEN ? one : other;
    const port = Number(new URL(left.socket.url).port);
    const neighbour = await open({ port });
    left.send("still here");
    expect(await neighbour.next()).toBe("still here");
    left.socket.terminate();
    neighbour.socket.terminate();
  });

  it("are told that a worker thread is none, in whichever process it is", async () => {
    const primary = fork(thread, { execArgv: [] });
    const [errors] = await once(primary, "message");
    const said = (caller: string) => ({
      code: "SPRY_WS_BACKPLANE",
      message: expect.stringContaining(`${caller} does not work in a worker thread`),
    });
    const ofThread = [said("nodeCluster()"), said("serveNodeCluster()")];
    expect(errors).toEqual({ primary: ofThread, worker: ofThread });
  });

  it("are told what to do where the primary process does not serve them", async () => {
    await using cluster = await start("unserved");
    for (const { failure } of cluster.workers) expect(failure).toContain("serveNodeCluster()");
  });
});
