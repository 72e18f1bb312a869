// `pnpm bench:durable`: what durable topics cost. Redis is at REDIS_URL or on this machine; JetStream is on file, a server of our own.

import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Redis } from "ioredis";
import { Asked } from "../asked.mjs";
import { describeMachine, pinned } from "../machine.mjs";
import { runCommand, UsageError } from "../options.mjs";
import { formatFigure, formatTable } from "../report/format.mjs";
import { redisUrl } from "../servers/brokers.mjs";
import { startJetStream } from "./jetstream.mjs";
import { PREFIX } from "./stores.mjs";

const TEXT = "a message of sixty-four bytes of plain text, as short ones are.\n";
const TOPIC = "durable/feed";
const MISSED = 100;
const IN_FLIGHT = 256;

const usage = `pnpm bench:durable [--only publish,latency,resume] [--quick]

  --only    only these
  --quick   fewer messages and clients: a look, no more
`;

const pathOf = (file) => fileURLToPath(new URL(file, import.meta.url));
const log = (text) => process.stderr.write(`${text}\n`);

/** @typedef {{ name: string, program: string, store?: string, wire: string }} Contestant */

/** @type {Contestant[]} */
const spry = [
  { name: "spry-ws, memory", program: "spry.mjs", store: "memory", wire: "spry.v1" },
  { name: "spry-ws, Redis", program: "spry.mjs", store: "redis", wire: "spry.v1" },
  { name: "spry-ws, JetStream", program: "spry.mjs", store: "jetstream", wire: "spry.v1" },
];
const socketIo = { name: "Socket.IO, Redis streams", program: "socket.io.mjs", wire: "socket.io" };

function parseOptions(args) {
  const parts = ["publish", "latency", "resume"];
  try {
    const { values } = parseArgs({
      args: args.filter((arg) => arg !== "--"),
      options: {
        only: { type: "string", default: parts.join(",") },
        quick: { type: "boolean", default: false },
      },
    });
    const only = values.only.split(",");
    const unknown = only.find((part) => !parts.includes(part));
    if (unknown !== undefined) throw new TypeError(`--only takes ${parts.join(", ")}, not ${unknown}`);
    return { only, quick: values.quick };
  } catch (error) {
    throw new UsageError(`${error.message}\n\n${usage}`);
  }
}

async function main() {
  const { only, quick } = parseOptions(process.argv.slice(2));
  const machine = describeMachine();
  log(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; ${machine.pinning}`);
  if (machine.loadAverageAtStart > 0.5)
    log(`Other work runs on this machine (load average ${machine.loadAverageAtStart}): expect noise.`);
  const jetStream = await startJetStream();
  if (typeof jetStream === "string") log(`without JetStream: ${jetStream}`);
  else process.env.BENCH_JETSTREAM_URL = jetStream.url;
  const possible = [
    ...spry.filter(({ store }) => store !== "jetstream" || typeof jetStream !== "string"),
    socketIo,
  ];

  const parts = { publish, latency, resume };
  for (const part of only) await parts[part](possible, quick);
  await emptyRedis();
  if (typeof jetStream !== "string") await jetStream.stop();
}

/** How fast one process publishes. */
async function publish(contestants, quick) {
  const count = quick ? 5_000 : 50_000;
  const rows = [];
  for (const contestant of contestants) {
    const [{ server }] = await startServers(contestant, 1);
    await server.ask("publish", { count: count / 5, inFlight: IN_FLIGHT, text: TEXT });
    const { ms, cpuMs } = await server.ask("publish", { count, inFlight: IN_FLIGHT, text: TEXT });
    rows.push([
      contestant.name,
      formatFigure((count / ms) * 1_000, "count"),
      formatFigure((cpuMs * 1_000) / count, "µs"),
    ]);
    await server.stop();
  }
  print(
    `${count} messages of 64 bytes, ${IN_FLIGHT} under way, until all are stored`,
    ["", "per second", "CPU for each"],
    rows,
  );
}

/** How much later a message comes because it is stored before. */
async function latency(contestants, quick) {
  const [subscribers, perSecond, seconds] = [200, 100, quick ? 3 : 15];
  const rows = [];
  for (const contestant of contestants.filter(({ store }) => store && store !== "memory")) {
    for (const kind of ["ephemeral", "durable"]) {
      const [near, far] = await startServers(contestant, 2);
      const clients = await startClients();
      await clients.ask("open", {
        port: far.port,
        wireName: contestant.wire,
        topic: `${kind}/feed`,
        count: subscribers,
      });
      await clients.ask("listen");
      const steadily = (forSeconds) =>
        near.server.ask("publishSteadily", {
          pattern: `${kind}/:name`,
          perSecond,
          seconds: forSeconds,
          text: TEXT,
        });
      await steadily(2);
      await clients.ask("latency");
      await steadily(seconds);
      await sleep(200);
      const { p50Ms, p99Ms } = await clients.ask("latency");
      rows.push([`${contestant.name}, ${kind}`, formatFigure(p50Ms, "ms"), formatFigure(p99Ms, "ms")]);
      await Promise.all([near.server, far.server, clients].map((one) => one.stop()));
    }
  }
  print(
    `${perSecond} messages of 64 bytes per second to ${subscribers} subscribers at another process`,
    ["", "half arrive within", "99 % arrive within"],
    rows,
  );
}

/** All clients are cut, miss messages, and come back at once at a process that has never heard of them. */
async function resume(contestants, quick) {
  const texts = Array.from({ length: MISSED }, (_, index) => `${index} ${TEXT}`);
  const rows = [];
  for (const count of quick ? [1_000] : [1_000, 10_000]) {
    for (const contestant of contestants.filter(({ store }) => store !== "memory")) {
      log(`  ${count} clients: ${contestant.name} …`);
      const [{ server: first, port }, { server: second, port: otherPort }] = await startServers(
        contestant,
        2,
      );
      const clients = await startClients();
      await clients.ask("open", { port, wireName: contestant.wire, topic: TOPIC, count });
      await first.ask("publish", { count: 1, inFlight: 1, text: "seen by all" });
      await clients.ask("takeOne");
      await clients.ask("cut");
      // Socket.IO stores a session for each connection that was lost.
      await sleep(1_000 + count / 5);
      for (const text of texts) await first.ask("publish", { count: 1, inFlight: 1, text });
      const [cpuBefore, readsBefore] = [await second.ask("cpuMs"), await reads(second, contestant)];
      const ms = await clients.ask("resume", { port: otherPort, topic: TOPIC, texts });
      const [cpuAfter, readsAfter] = [await second.ask("cpuMs"), await reads(second, contestant)];
      rows.push([
        `${count} clients: ${contestant.name}`,
        formatFigure(ms, "ms"),
        formatFigure(cpuAfter - cpuBefore, "ms"),
        contestant.store ? String(readsAfter - readsBefore) : "",
      ]);
      await Promise.all([first, second, clients].map((one) => one.stop()));
    }
  }
  print(
    `clients come back at another process, ${MISSED} messages behind, until all have them (one is compared, the others are counted)`,
    ["", "time", "CPU of the process", "reads of the log"],
    rows,
  );
}

const reads = (server, { store }) => (store ? server.ask("reads") : 0);

/** Server processes of one contestant, that share an empty store. */
async function startServers({ program, store }, count) {
  await emptyRedis();
  const command = pinned("server", process.execPath, [pathOf(program), ...(store ? [store] : [])]);
  const started = Array.from({ length: count }, () => Asked.start(...command));
  return (await Promise.all(started)).map(({ process: server, hello: { port } }) => ({ server, port }));
}

/** Of what the benchmark has written there. */
async function emptyRedis() {
  const client = new Redis(redisUrl);
  for await (const keys of client.scanStream({ match: `${PREFIX}*`, count: 1_000 }))
    if (keys.length > 0) await client.unlink(...keys);
  client.disconnect();
}

async function startClients() {
  const { process: clients } = await Asked.start(
    ...pinned("load", process.execPath, [pathOf("clients.mjs")]),
  );
  return clients;
}

function print(title, head, rows) {
  console.log(`\n${title}\n\n${formatTable([head, ...rows])}`);
}

await runCommand(main);
