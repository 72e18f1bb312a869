// `pnpm bench:scale`: what very many idle connections cost one server process, and how it bears what happens to all of them.

import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Asked } from "../asked.mjs";
import { sharedClockMs } from "../laps.mjs";
import { describeMachine, openFilesLimit } from "../machine.mjs";
import { runCommand } from "../options.mjs";
import { formatFigure, formatTable } from "../report/format.mjs";
import { parseScaleOptions, spread } from "./options.mjs";

/** Connections of one client process. */
const PER_PROCESS = 10_000;

/** Opened before the first look: they warm the server up. */
const FIRST = 500;

const NOTHING_MS = 10_000;

/** Longer than the interval of the heartbeat: every peer is pinged once. */
const HEARTBEAT_MS = 40_000;

const JITTER_MS = 5_000;

const pathOf = (file) => fileURLToPath(new URL(file, import.meta.url));
const log = (text) => process.stderr.write(`${text}\n`);

async function main() {
  const { connections, note } = parseScaleOptions(process.argv.slice(2), openFilesLimit());
  const machine = describeMachine();
  log(`${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Node ${machine.node}`);
  if (note) log(note);
  if (machine.loadAverageAtStart > 0.5)
    log(
      `Other work runs on this machine (load average ${machine.loadAverageAtStart}): times and stalls are longer.`,
    );

  const { process: server, hello } = await Asked.start(process.execPath, [
    "--expose-gc",
    pathOf("server.mjs"),
  ]);
  const clients = await Promise.all(
    spread(connections, PER_PROCESS).map(async ({ address, count }) => {
      const { process: client } = await Asked.start(process.execPath, [
        pathOf("clients.mjs"),
        String(hello.port),
        address,
      ]);
      return { client, count };
    }),
  );
  const run = new Run(
    server,
    clients.map(({ client }) => client),
  );
  const [{ client: first }] = clients;
  await run.phase(`no connection, for ${NOTHING_MS / 1_000} s`, () => sleep(NOTHING_MS));
  await first.ask("open", { count: FIRST });
  const warm = await server.ask("memory");
  await run.phase(`${connections - FIRST} connections open, 64 at a time from each client process`, () =>
    Promise.all(
      clients.map(({ client, count }) =>
        client.ask("open", { count: client === first ? count - FIRST : count }),
      ),
    ),
  );
  const full = await server.ask("memory");
  await run.phase(`all open, nothing but the heartbeat, for ${HEARTBEAT_MS / 1_000} s`, () =>
    sleep(HEARTBEAT_MS),
  );
  await run.phase("one message to all, until the last has it", (startMs) =>
    run.publish(connections, startMs),
  );
  await run.phase("all are terminated and come back at once, until the last is open", () =>
    run.storm(connections),
  );
  await run.phase(`shutdown, close frames spread over ${JITTER_MS / 1_000} s`, () =>
    server.ask("close", { options: { jitterMs: JITTER_MS, deadlineMs: 60_000 } }),
  );

  const perConnection = (key) => formatFigure((full[key] - warm[key]) / (connections - FIRST), "bytes");
  console.log(`\n${connections} connections to one process of spry-ws on node:http, default options\n`);
  console.log(
    `memory per connection: heap ${perConnection("heapBytes")}, resident ${perConnection("rssBytes")}\n`,
  );
  console.log(formatTable([["", "time", "server's CPU", "CPU per second", "longest stall"], ...run.rows]));
  await Promise.all([server, ...run.clients].map((one) => one.stop()));
}

class Run {
  rows = [];
  #server;

  constructor(server, clients) {
    this.#server = server;
    this.clients = clients;
  }

  /** @param {(startMs: number) => Promise<unknown>} work a time it gives is when it was over, in the terms of ../laps.mjs */
  async phase(title, work) {
    log(`${title} …`);
    const startMs = await this.#server.ask("begin");
    const overMs = await work(startMs);
    const { cpuMs, stallMs } = await this.#server.ask("end");
    const ms = (typeof overMs === "number" ? overMs : sharedClockMs()) - startMs;
    const row = [
      `${(ms / 1_000).toFixed(2)} s`,
      `${(cpuMs / 1_000).toFixed(2)} s`,
      `${(cpuMs / (ms / 1_000)).toFixed(1)} ms`,
      `${stallMs.toFixed(0)} ms`,
    ];
    log(`  ${row.join(", ")}`);
    this.rows.push([title, ...row]);
  }

  /** @returns {Promise<number>} when the last message came */
  async publish(connections) {
    await this.#server.ask("publish");
    for (;;) {
      const counts = await this.#all("messages");
      if (sum(counts.map(({ messages }) => messages)) === connections)
        return Math.max(...counts.map(({ lastMessageMs }) => lastMessageMs));
      await sleep(20);
    }
  }

  async storm(connections) {
    await this.#all("comeBack");
    await this.#server.ask("terminate");
    for (;;) {
      const counts = await this.#all("back");
      if (sum(counts.map(({ comeBack }) => comeBack)) >= connections) break;
      await sleep(20);
    }
    await this.#all("stayAway");
  }

  #all(ask) {
    return Promise.all(this.clients.map((client) => client.ask(ask)));
  }
}

const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

await runCommand(main);
