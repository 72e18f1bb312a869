import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { missingNats, missingRedis, startNats, startRedis } from "../fixtures/brokers.ts";
import { Client } from "../fixtures/client.ts";
import { Queue } from "../fixtures/queue.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const program = fileURLToPath(new URL("operations-app.mjs", import.meta.url));

interface Started {
  readonly pid: number;
  readonly port: number;
}

interface Processes extends AsyncDisposable {
  readonly list: readonly Started[];
  signal(process: Started, signal: "SIGSTOP" | "SIGCONT" | "SIGKILL"): void;
}

async function startProcesses(kind: string, url: string, count: number): Promise<Processes> {
  const primary = fork(program, [kind, url, String(count)], { execArgv: [] });
  const started = new Queue<Started>();
  primary.on("message", (message) => started.push(message as Started));
  const list = await started.take(count);
  const killed = new Set<Started>();
  const signal: Processes["signal"] = (target, name) => {
    if (killed.has(target)) return;
    if (name === "SIGKILL") killed.add(target);
    process.kill(target.pid, name);
  };
  return {
    list,
    signal,
    async [Symbol.asyncDispose]() {
      for (const target of list) signal(target, "SIGKILL");
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

async function countOf(client: Client): Promise<string | Buffer> {
  client.send("count");
  return client.next();
}

const noBroker = { url: "", async [Symbol.asyncDispose]() {} };

describe.each([
  { kind: "nodeCluster", missing: false as const, start: async () => noBroker },
  { kind: "redis", missing: missingRedis(), start: () => startRedis() },
  { kind: "nats", missing: missingNats(), start: () => startNats() },
])("operations on all processes, joined by $kind", { timeout: 60_000 }, ({ kind, missing, start }) => {
  // The processes run what is built: Node 20 runs no TypeScript.
  beforeAll(() => {
    execFileSync("npx", ["tsc", "-b", "packages/redis", "packages/nats"], { cwd: root });
  }, 60_000);

  it.skipIf(missing)("do not wait for a process that is stopped, nor for one that was killed", async () => {
    await using broker = await start();
    await using processes = await startProcesses(kind, broker.url, 3);
    const [one, other, last] = processes.list as [Started, Started, Started];
    const clients = await Promise.all([one, one, other, other, last, last].map(open));
    const asking = clients[0] as Client;
    expect(await countOf(asking)).toBe("count 6");
    processes.signal(last, "SIGSTOP");
    const before = performance.now();
    expect(await countOf(asking)).toBe("count 4");
    expect(performance.now() - before).toBeLessThan(3_000);
    processes.signal(last, "SIGCONT");
    await expect.poll(() => countOf(asking), { timeout: 10_000 }).toBe("count 6");
    processes.signal(last, "SIGKILL");
    await expect.poll(() => countOf(asking), { timeout: 10_000 }).toBe("count 4");
    for (const { socket } of clients) socket.terminate();
  });

  it.skipIf(missing)("reach a process that was stopped once it goes on, in order", async () => {
    await using broker = await start();
    await using processes = await startProcesses(kind, broker.url, 3);
    const [one, other, last] = processes.list as [Started, Started, Started];
    const clients = await Promise.all([one, other, last].map(open));
    const [here, , there] = clients as [Client, Client, Client];
    processes.signal(last, "SIGSTOP");
    here.send("the last words");
    here.send("disconnect");
    for (const client of clients.slice(0, 2)) {
      expect(await client.closed).toEqual({ code: 4401, reason: "logged out" });
      expect(client.messages.waiting).toEqual(["the last words"]);
    }
    expect(there.socket.readyState).toBe(there.socket.OPEN);
    processes.signal(last, "SIGCONT");
    expect(await there.closed).toEqual({ code: 4401, reason: "logged out" });
    expect(there.messages.waiting).toEqual(["the last words"]);
  });
});
