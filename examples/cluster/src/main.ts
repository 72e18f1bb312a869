import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type Framework, frameworks, type Process } from "./contract.ts";
import type { FromProcess, ToProcess } from "./launcher.ts";
import { startLocalBroker } from "./local-broker.ts";

const worker = fileURLToPath(new URL("worker.js", import.meta.url));
/** A process that ends without being told to is started again after this long. */
const restartMs = 1_000;

const ports: Record<Framework, number> = {
  express: Number(process.env["PORT_EXPRESS"] || 3011),
  fastify: Number(process.env["PORT_FASTIFY"] || 3012),
  koa: Number(process.env["PORT_KOA"] || 3013),
};

const children = new Map<Framework, ChildProcess>();
/** Those of them that have come up. */
const running = new Map<Framework, ChildProcess>();
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
  const all = frameworks.map((framework) => ports[framework]).join(",");
  const child = fork(worker, [framework, String(ports[framework]), all, broker]);
  children.set(framework, child);
  child.on("message", (message: FromProcess) => {
    if ("kill" in message) running.get(message.kill)?.kill("SIGKILL");
  });
  const isReady = await Promise.race([
    once(child, "message").then(() => true),
    once(child, "exit").then(() => false),
  ]);
  if (!isReady) return false;
  running.set(framework, child);
  child.once("exit", () => {
    running.delete(framework);
    tellAll();
    restart(framework, broker);
  });
  tellAll();
  return true;
}

/** What runs, to those that run. */
function tellAll(): void {
  const processes = frameworks.map((framework): Process => {
    const pid = running.get(framework)?.pid;
    return { framework, port: ports[framework], ...(pid && { pid }) };
  });
  const message: ToProcess = { processes };
  // One that has just ended cannot be told, which its end says too.
  for (const child of running.values()) child.send(message, () => {});
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
    "  Open two of them, write, and kill any of the three, by its button in the page. Ctrl-C stops.",
    "",
  ].join("\n");
}
