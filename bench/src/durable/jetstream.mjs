// A NATS server with JetStream on file, of the benchmark's own: the one at NATS_URL may have none.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { start, stop } from "../children.mjs";

/** @returns {Promise<{ url: string, stop(): Promise<void> } | string>} a string: why there is none */
export async function startJetStream() {
  if (spawnSync("nats-server", ["--version"]).status !== 0) return "nats-server is not installed";
  const directory = mkdtempSync(join(tmpdir(), "bench-durable-"));
  const port = await freePort();
  const child = start("nats-server", ["-js", "-sd", directory, "-a", "127.0.0.1", "-p", String(port)], {
    channel: "ignore",
  });
  while (!(await canConnect(port))) await sleep(50);
  return {
    url: `nats://127.0.0.1:${port}`,
    async stop() {
      await stop(child);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function canConnect(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve(true));
    socket.on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}
