// A topic whose subscribers negotiated permessage-deflate (RFC 7692).
import { inflateRawSync, constants as zlib } from "node:zlib";
import { everyoneBut } from "../contestants.mjs";
import { decodeFrame, FrameCounter } from "../load/frames.mjs";
import { keepPublishing } from "./keep-publishing.mjs";

const SUBSCRIBERS = 200;
const BURST = 32;
const MESSAGE_BYTES = 1_024;

/** Quotes of a made-up exchange: JSON as feeds send it, each message another. */
const messages = Array.from({ length: BURST }, (_, sequence) => {
  const quotes = Array.from({ length: 12 }, (_, i) => {
    const cents = 10_000 + ((sequence * 7_919 + i * 104_729) % 9_973);
    return { symbol: `SYM${i}`, bid: cents / 100, ask: (cents + 3) / 100, size: (cents * 17) % 900 };
  });
  const text = JSON.stringify({ type: "quotes", sequence, quotes });
  return JSON.stringify({ type: "quotes", sequence, quotes, pad: "" }).length > MESSAGE_BYTES
    ? text.slice(0, MESSAGE_BYTES)
    : `${text.slice(0, -1)},"pad":"${".".repeat(MESSAGE_BYTES - text.length - 9)}"}`;
});

/** @param {import("../load/trial.mjs").Trial} trial */
async function run(trial) {
  const order = Buffer.concat(messages.map((text) => trial.wire.message(text)));
  const extensions = "permessage-deflate; client_max_window_bits";
  const peers = await trial.openMany(SUBSCRIBERS, () => "/topic/feed", { extensions });
  const publisher = await trial.open("/publish/feed");

  publisher.write(order);
  await Promise.all(peers.map(expectBurst));

  return keepPublishing(trial, peers, {
    publish: () => publisher.write(order),
    batch: BURST * SUBSCRIBERS,
    delivery: 1,
    // With context takeover every frame has another size: frames are counted.
    newCounter() {
      const frames = new FrameCounter();
      return (count, bytes) => frames.add(bytes, count);
    },
  });
}

/** Each message of the first burst is compressed, and is what was published. */
async function expectBurst(peer) {
  const parts = [];
  for (let i = 0; i < BURST; i++) {
    const frame = await peer.read((bytes) => {
      const found = decodeFrame(bytes);
      return found && { value: found, size: found.size };
    });
    if (!frame.isCompressed) throw new Error("a message was not compressed");
    // RFC 7692 section 7.2.2: what the sender cut off goes back on.
    parts.push(Buffer.from(frame.payload), Buffer.from([0, 0, 0xff, 0xff]));
  }
  const text = inflateRawSync(Buffer.concat(parts), { finishFlush: zlib.Z_SYNC_FLUSH }).toString();
  if (text !== messages.join("")) throw new Error("wrong bytes: a burst at a subscriber");
}

/** @type {import("./index.mjs").Scene} */
export const deflate = {
  name: "deflate",
  title: "Broadcast with permessage-deflate",
  load: "bursts of 32 messages of 1 KiB of JSON to 200 subscribers",
  contestants: [...everyoneBut("net", "socket.io", "websocket-express"), "ws-no-takeover"],
  others:
    "Without websocket-express, which has no option for it, Socket.IO, which compresses packets its own way, and raw net.",
  measures: [{ key: "perSecond", unit: "count", better: "more", label: "deliveries per second" }],
  serverArgs: ["--deflate"],
  run,
};
