import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A broker of this run's own. */
export interface LocalBroker {
  readonly name: string;
  readonly url: string;
  readonly process: ChildProcess;
}

const programs = [
  {
    name: "redis-server",
    scheme: "redis",
    args: (port: number, directory: string) => [
      "--port",
      `${port}`,
      "--bind",
      "127.0.0.1",
      "--save",
      "",
      "--appendonly",
      "no",
      "--dir",
      directory,
    ],
  },
  {
    name: "nats-server",
    scheme: "nats",
    args: (port: number, directory: string) => ["-a", "127.0.0.1", "-p", `${port}`, "-js", "-sd", directory],
  },
];

/** Starts whichever of redis-server and nats-server is installed, on a free port; undefined if none is. */
export async function startLocalBroker(): Promise<LocalBroker | undefined> {
  for (const { name, scheme, args } of programs) {
    const port = await freePort();
    const directory = await mkdtemp(join(tmpdir(), "spry-ws-cluster-"));
    const child = spawn(name, args(port, directory), { stdio: "ignore" });
    child.once("exit", () => rm(directory, { recursive: true, force: true }));
    child.once("error", () => rm(directory, { recursive: true, force: true }));
    const isRunning = await once(child, "spawn").then(
      () => true,
      () => false,
    );
    if (!isRunning) continue;
    await accepts(port);
    return { name, url: `${scheme}://127.0.0.1:${port}`, process: child };
  }
  return undefined;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** @throws after some seconds without an answer */
async function accepts(port: number): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const socket = connect(port, "127.0.0.1");
    const isOpen = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    if (attempt === 100) throw new Error(`The broker does not answer on port ${port}.`);
    await sleep(50);
  }
}
