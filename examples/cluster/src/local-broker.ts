import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
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
    args: (port: number) => ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
  },
  { name: "nats-server", scheme: "nats", args: (port: number) => ["-a", "127.0.0.1", "-p", `${port}`] },
];

/** Starts whichever of redis-server and nats-server is installed, on a free port; undefined if none is. */
export async function startLocalBroker(): Promise<LocalBroker | undefined> {
  for (const { name, scheme, args } of programs) {
    const port = await freePort();
    const child = spawn(name, args(port), { stdio: "ignore" });
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
