import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Framework } from "./chat.ts";
import { startLocalBroker } from "./local-broker.ts";

const worker = fileURLToPath(new URL("worker.js", import.meta.url));
/** A process that ends without being told to is started again after this long. */
const restartMs = 1_000;

const ports: Record<Framework, number> = {
  express: Number(process.env["PORT_EXPRESS"] || 3011),
  fastify: Number(process.env["PORT_FASTIFY"] || 3012),
  koa: Number(process.env["PORT_KOA"] || 3013),
};
const frameworks = Object.keys(ports) as Framework[];

const children = new Map<Framework, ChildProcess>();
let isStopping = false;

const local = process.env["BROKER_URL"] ? undefined : await startLocalBroker();
const url = process.env["BROKER_URL"] ?? local?.url;
if (!url) {
  console.error(
    "No broker: give the URL of one (BROKER_URL=redis://… or nats://…), or install one (apt-get install redis-server)",
  );
  process.exit(1);
}

const stopped = new Promise<void>((resolve) => {
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, resolve);
});
const isRunning = (await Promise.all(frameworks.map((framework) => start(framework, url)))).every(Boolean);
if (isRunning) {
  console.log(banner(url));
  await stopped;
  console.log("Stopping …");
} else process.exitCode = 1;
isStopping = true;
await Promise.all([...children.values()].map(stop));
local?.process.kill();

/** Whether it has come up. */
async function start(framework: Framework, broker: string): Promise<boolean> {
  const child = fork(worker, [framework, String(ports[framework]), broker]);
  children.set(framework, child);
  const isReady = await Promise.race([
    once(child, "message").then(() => true),
    once(child, "exit").then(() => false),
  ]);
  if (isReady) child.once("exit", () => restart(framework, broker));
  return isReady;
}

function restart(framework: Framework, broker: string): void {
  if (isStopping) return;
  console.log(`  ${framework} has ended; it is started again.`);
  setTimeout(async () => {
    // While the broker is away it does not come up: it is tried until it does.
    if (!isStopping && !(await start(framework, broker))) restart(framework, broker);
  }, restartMs);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await ended;
}

function banner(broker: string): string {
  return [
    "",
    `  One chat room, three processes, joined by ${broker.replace(/\/\/[^@/]*@/, "//")}:`,
    "",
    ...frameworks.map(
      (framework) =>
        `    ${framework.padEnd(9)} http://localhost:${ports[framework]}/   process ${children.get(framework)?.pid}`,
    ),
    "",
    "  Open two of them, and kill the third. Ctrl-C stops.",
    "",
  ].join("\n");
}
