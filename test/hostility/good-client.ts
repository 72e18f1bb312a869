// The good client, in a process of its own: `node good-client.js <port> <seed>`. It talks to the server all the time, is
// answered correctly, quickly and in order, and is never disconnected, whatever others do meanwhile.
import { get } from "node:http";
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "../fixtures/client.ts";
import { answerCommands, fault, reportFaults } from "./commands.ts";
import { randomFrom } from "./random.ts";
import { p99 } from "./turns.ts";

/** How often each of the WebSockets sends; it does not wait for the echo, so a server that stalls delays many. */
const sendEveryMs = 10;
const getEveryMs = 250;
const delayResolutionMs = 5;
/** Of spry.v1: as many requests at once as a client may have under way, and somewhat less. */
const maxUnderWay = 12;

reportFaults();
const [, , port, seed] = process.argv;
const random = randomFrom(Number(seed));
const loopDelay = monitorEventLoopDelay({ resolution: delayResolutionMs });
loopDelay.enable();

let roundTripsMs: number[] = [];
let sent = 0;
let echoed = 0;
let isStopping = false;
const clients = await Promise.all([converse("/echo"), converse("/sync"), ask("/live")]);
const timers = [
  ...clients.map(({ send }) => setInterval(send, sendEveryMs)),
  setInterval(getPlain, getEveryMs),
];

/** Opens a WebSocket and checks its echoes as they come; `send` sends the next messages. */
async function converse(path: string): Promise<{ client: Client; send(): void }> {
  const client = await Client.open(`ws://127.0.0.1:${port}${path}`);
  const expected: { data: string | Buffer; sentAt: number }[] = [];
  void client.closed.then(({ code, reason }) => {
    if (!isStopping) fault(`was disconnected from ${path}: ${code} ${reason}`);
  });
  void receive();
  async function receive(): Promise<never> {
    for (;;) {
      const data = await client.next();
      const next = expected.shift();
      echoed++;
      if (!next || !isEqual(data, next.data)) fault(`${path} answered message ${echoed} with ${data}`);
      if (next) roundTripsMs.push(performance.now() - next.sentAt);
    }
  }
  const sendOne = (): void => {
    const text = `good ${sent++} ${"é".repeat(random() * 200)}`;
    const data = random() < 0.5 ? text : Buffer.from(text);
    expected.push({ data, sentAt: performance.now() });
    client.send(data);
  };
  const send = (): void => {
    // Several at once come in one segment, so that they queue behind each other's hooks.
    for (let left = random() < 0.1 ? 10 : 1; left > 0; left--) sendOne();
  };
  return { client, send };
}

/** The same with requests of spry.v1: each is answered once, with what it brought. */
async function ask(path: string): Promise<{ client: Client; send(): void }> {
  const client = await Client.open(`ws://127.0.0.1:${port}${path}`, { protocols: ["spry.v1"] });
  const expected = new Map<number, { data: string; sentAt: number }>();
  let last = 0;
  client.send(JSON.stringify(["h", `good-${seed}`.padEnd(32, "x"), [["open"]]]));
  void client.closed.then(({ code, reason }) => {
    if (!isStopping) fault(`was disconnected from ${path}: ${code} ${reason}`);
  });
  void receive();
  async function receive(): Promise<never> {
    for (;;) {
      const text = String(await client.next());
      const [kind, n, output] = JSON.parse(text) as [string?, number?, string?];
      if (kind !== "r" && kind !== "f") continue;
      const next = expected.get(n ?? 0);
      expected.delete(n ?? 0);
      echoed++;
      if (kind !== "r" || next?.data !== output) fault(`${path} answered request ${n} with ${text}`);
      if (next) roundTripsMs.push(performance.now() - next.sentAt);
      if (expected.size === 0) client.send(JSON.stringify(["a", last]));
    }
  }
  const send = (): void => {
    if (expected.size >= maxUnderWay) return;
    const data = `good ${sent++} ${"é".repeat(random() * 200)}`;
    expected.set(++last, { data, sentAt: performance.now() });
    client.send(JSON.stringify(["q", last, "echo", data]));
  };
  return { client, send };
}

function isEqual(a: string | Buffer, b: string | Buffer): boolean {
  return typeof a === "string" || typeof b === "string" ? a === b : a.equals(b);
}

/** Requests that have nothing to do with WebSockets go on too. */
function getPlain(): void {
  const request = get({ host: "127.0.0.1", port, path: "/", agent: false }, (response) => {
    if (response.statusCode !== 200) fault(`GET / was answered with ${response.statusCode}`);
    response.resume();
  });
  request.on("error", (error) => isStopping || fault(`GET /: ${error}`));
}

const commands = {
  /** Of the time since the last call. */
  figures() {
    const figures = {
      roundTrips: roundTripsMs.length,
      p99Ms: p99(roundTripsMs),
      /** How late this process was itself; the histogram counts the interval in. */
      loopDelayP99Ms: Math.max(0, loopDelay.percentile(99) / 1e6 - delayResolutionMs),
    };
    roundTripsMs = [];
    loopDelay.reset();
    return figures;
  },

  /** Waits for the last echoes, and closes. */
  async stop() {
    for (const timer of timers) clearInterval(timer);
    for (let i = 0; i < 100 && echoed < sent; i++) await sleep(20);
    if (echoed < sent) fault(`${sent - echoed} of ${sent} messages were not echoed`);
    isStopping = true;
    await Promise.all(clients.map(({ client }) => client[Symbol.asyncDispose]()));
  },
};

export type GoodClientCommands = typeof commands;
export type GoodClientFigures = ReturnType<GoodClientCommands["figures"]>;

answerCommands(commands);
