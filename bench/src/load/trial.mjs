// What a scene has at hand while it runs.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { openFilesLimit } from "../machine.mjs";
import { Client } from "./client.mjs";
import { Stopwatch } from "./stopwatch.mjs";
import { wires } from "./wires.mjs";

/** Connections that are opened at a time: below the usual backlog of a listening socket. */
const OPEN_AT_ONCE = 64;

/** Files a process needs beside its connections. */
const OTHER_FILES = 200;

/** How long what is under way at the end of a measurement may take. */
const LAST_ANSWERS_MS = 15_000;

export class Trial {
  /** @type {import("./wires.mjs").Wire} */
  wire;
  /** @type {boolean} */
  quick;
  /** How long a measurement lasts. */
  measureMs;
  /** How long the server may warm up before: its compiler, and its buffers. */
  warmUpMs;
  /** What the scene's `prepare` found. */
  parameters;
  /** Rejects when a connection is lost. */
  lost;
  /** What a reader of the results must know. @type {string[]} */
  notes = [];
  #port;
  #farPort;
  #pids;
  #cores;
  #fail;
  /** @type {Stopwatch[]} */
  #stopwatches = [];

  /** @param {{ port: number, farPort?: number, pids: number[], cores?: object, wire: string, quick: boolean, parameters?: object }} order */
  constructor(order) {
    this.#port = order.port;
    this.#farPort = order.farPort;
    this.#pids = order.pids;
    this.#cores = order.cores;
    this.wire = wires[order.wire];
    this.quick = order.quick;
    this.measureMs = order.quick ? 1_000 : 3_000;
    this.warmUpMs = order.quick ? 600 : 1_500;
    this.parameters = order.parameters;
    this.lost = new Promise((_resolve, reject) => {
      this.#fail = reject;
    });
    this.lost.catch(() => {}); // raced against in main.mjs
  }

  fail(message) {
    this.#fail(new Error(message));
  }

  sleep(ms) {
    return sleep(ms);
  }

  /** Waits for what must come soon. */
  async until(isSo, otherwise) {
    for (let waitedMs = 0; !isSo(); waitedMs += 20) {
      if (waitedMs >= LAST_ANSWERS_MS) throw new Error(otherwise);
      await sleep(20);
    }
  }

  stopwatch() {
    const stopwatch = new Stopwatch(this.#pids, this.#cores);
    this.#stopwatches.push(stopwatch);
    return stopwatch;
  }

  /** When it was measured, in the terms of ../laps.mjs. */
  get laps() {
    return this.#stopwatches.flatMap(({ laps }) => laps);
  }

  /**
   * Measures work that goes on by itself, once the server has warmed up.
   *
   * @param {() => number} done how many units of it are done so far
   * @param {import("./histogram.mjs").LatencyHistogram} [roundTrips] what the work adds its round trips to
   */
  async measure(done, roundTrips) {
    await sleep(this.warmUpMs);
    const stopwatch = this.stopwatch();
    stopwatch.start();
    roundTrips?.clear();
    const before = done();
    await sleep(this.measureMs);
    stopwatch.stop();
    return { ...stopwatch.result(done() - before), ...roundTrips?.quantiles() };
  }

  /** @returns {Client} a connection on which nothing has been said */
  connect({ isFar = false } = {}) {
    return new Client(isFar ? this.#farPort : this.#port, this.#fail);
  }

  /**
   * @param {string} path
   * @param {{ extensions?: string, isFar?: boolean, wire?: import("./wires.mjs").Wire }} [options] `isFar`: at the second server
   *   process; `wire`: another one than the contestant's
   * @returns {Promise<Client>} a client that has gone through the handshake
   */
  async open(path, { extensions, isFar = false, wire = this.wire } = {}) {
    const client = this.connect({ isFar });
    const answer = await wire.open(client, path, extensions);
    if (extensions && !/sec-websocket-extensions:/i.test(answer))
      throw new Error("permessage-deflate refused");
    return client;
  }

  /**
   * @param {number} count
   * @param {(index: number) => string} path
   * @returns {Promise<Client[]>}
   */
  async openMany(count, path, options) {
    const clients = [];
    let next = 0;
    const work = async () => {
      while (next < count) {
        const index = next++;
        clients[index] = await this.open(path(index), options);
      }
    };
    await Promise.all(Array.from({ length: Math.min(count, OPEN_AT_ONCE) }, work));
    return clients;
  }

  /** `wanted`, or fewer where the system does not let a process have as many files open. */
  possibleConnections(wanted) {
    const possible = Math.min(wanted, openFilesLimit() - OTHER_FILES);
    if (possible < wanted) this.notes.push(`${possible} connections: the limit of open files allows no more`);
    return possible;
  }

  /** The server's memory in bytes, with what garbage there is collected. */
  async memory() {
    process.send({ ask: "heap" });
    const [{ heapBytes }] = await once(process, "message");
    const status = readFileSync(`/proc/${this.#pids[0]}/status`, "latin1");
    return { heapBytes, rssBytes: Number(/^VmRSS:\s+(\d+) kB/m.exec(status)[1]) * 1_024 };
  }
}
