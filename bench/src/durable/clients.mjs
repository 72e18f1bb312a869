// The clients of `pnpm bench:durable`, in a process of their own: they subscribe, are cut, and come back behind the last message they have.
import { randomBytes } from "node:crypto";
import { answerWith } from "../asked.mjs";
import { sharedClockMs } from "../laps.mjs";
import { Client } from "../load/client.mjs";
import { decodeFrame, encodeFrame, FrameCounter } from "../load/frames.mjs";
import { LatencyHistogram } from "../load/histogram.mjs";
import { upgrade } from "../load/wires.mjs";

const OPEN_AT_ONCE = 64;

/** @typedef {{ id: string, at?: string }} Place who a client is, and where: behind which message */

/**
 * @typedef {object} Wire
 * @property {(client: Client, topic: string, place?: Place) => Promise<Place>} open goes through the handshake, and says who it is and where
 * @property {number} greetings how many frames the server says beside messages
 * @property {(frames: any[], place: Place) => string} greeting reads them; gives what the server says of the place
 * @property {(frame: any[]) => { at: string, text: string }} message
 */

function fail(error) {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
}

const frame = (client) =>
  client.read((bytes) => {
    const found = decodeFrame(bytes);
    return found && { value: JSON.parse(found.payload.toString().replace(/^\d+/, "")), size: found.size };
  });

const say = (client, text) => client.write(encodeFrame(text, true));

/** @type {Record<string, Wire>} */
const wires = {
  "spry.v1": {
    greetings: 2,
    async open(client, topic, place = { id: randomBytes(16).toString("hex") }) {
      await upgrade(client, "/", undefined, "spry.v1");
      say(client, JSON.stringify(["h", place.id, [place.at ? [topic, place.at] : [topic]]]));
      return place;
    },
    greeting([, [, , state, position]], place) {
      place.at = position ?? undefined;
      return state;
    },
    message: ([, , position, data]) => ({ at: position, text: data }),
  },
  // https://socket.io/docs/v4/connection-state-recovery: the session's `pid`, and the last argument of the last event.
  "socket.io": {
    greetings: 1,
    async open(client, _topic, place = { id: "" }) {
      await upgrade(client, "/socket.io/?EIO=4&transport=websocket");
      await frame(client);
      say(client, place.at ? `40${JSON.stringify({ pid: place.id, offset: place.at })}` : "40");
      return place;
    },
    greeting([{ pid }], place) {
      const state = pid === place.id ? "resumed" : "new";
      place.id = pid;
      return state;
    },
    message: ([, text, offset]) => ({ at: offset, text }),
  },
};

/** @type {Client[]} */
let clients = [];
/** @type {Place[]} */
let places = [];
/** @type {Wire} */
let wire;
const times = new LatencyHistogram();

async function each(count, work) {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: Math.min(count, OPEN_AT_ONCE) }, worker));
}

const answers = {
  async open({ port, wireName, topic, count }) {
    wire = wires[wireName];
    clients = [];
    places = [];
    await each(count, async (index) => {
      const client = new Client(port, fail);
      clients[index] = client;
      const place = await wire.open(client, topic);
      const greetings = [];
      while (greetings.length < wire.greetings) greetings.push(await frame(client));
      wire.greeting(greetings, place);
      places[index] = place;
    });
  },
  /** All have the same message: it is where they are when they are cut. */
  async takeOne() {
    for (const [index, client] of clients.entries()) places[index].at = wire.message(await frame(client)).at;
  },
  /** All come back at once. Settles when every one has what it has missed. */
  async resume({ port, topic, texts }) {
    const startMs = performance.now();
    const done = [];
    await each(clients.length, async (index) => {
      const client = new Client(port, fail);
      clients[index] = client;
      const place = await wire.open(client, topic, places[index]);
      done[index] =
        index === 0 ? assertAll(client, place, texts) : counted(client, wire.greetings + texts.length);
    });
    await Promise.all(done);
    return performance.now() - startMs;
  },
  /** From here on messages say when they were sent. */
  listen() {
    for (const client of clients) {
      let rest = Buffer.alloc(0);
      client.count((count, bytes) => {
        rest = Buffer.concat([rest, bytes.subarray(0, count)]);
        for (let found = decodeFrame(rest); found; found = decodeFrame(rest)) {
          const { text } = wire.message(JSON.parse(found.payload.toString()));
          times.add(sharedClockMs() - Number(text.split(" ", 1)[0]));
          rest = rest.subarray(found.size);
        }
      });
    }
  },
  /** How long messages were on the way since the last time it was asked. */
  latency() {
    const quantiles = times.quantiles();
    times.clear();
    return quantiles;
  },
  cut() {
    for (const client of clients) client.reset();
  },
};

/** One client of all is looked at: it has every message, once, in order. */
async function assertAll(client, place, texts) {
  const frames = [];
  while (frames.length < wire.greetings + texts.length) frames.push(await frame(client));
  const messages = frames.filter((one) => Array.isArray(one) && one[0] === "m");
  // Socket.IO greets a client that came back behind what it has missed.
  const state = wire.greeting(
    frames.filter((one) => !messages.includes(one)),
    place,
  );
  if (state !== "resumed") throw new Error(`a client that came back is ${state}`);
  for (const [index, text] of texts.entries()) {
    const got = messages[index] && wire.message(messages[index]).text;
    if (got !== text) throw new Error(`a client that came back has ${got} in the place of ${text}`);
  }
}

function counted(client, wanted) {
  const frames = new FrameCounter();
  let seen = 0;
  return new Promise((resolve, reject) => {
    client.count((count, bytes) => {
      seen += frames.add(bytes, count);
      if (seen === wanted) resolve();
      if (seen > wanted) reject(new Error(`${seen} frames came, not ${wanted}`));
    });
  });
}

answerWith(answers);
