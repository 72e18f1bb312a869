// Each message goes back to its sender.
import { randomBytes } from "node:crypto";
import { everyone } from "../contestants.mjs";
import { LatencyHistogram } from "../load/histogram.mjs";

const perSecond = { key: "perSecond", unit: "count", better: "more", label: "messages per second" };
const cpuMicros = { key: "cpuMicros", unit: "µs", better: "less", label: "server CPU time per message" };

const TEXT = "twenty bytes of text";

/**
 * Each client sends `inFlight` messages in one write, and the next ones when all of them are back. So the load is as cheap as
 * it can be, and the server's messages in flight are the same for all contestants.
 *
 * @param {import("../load/trial.mjs").Trial} trial
 */
async function run(trial, { clients, inFlight, data }) {
  const message = trial.wire.message(data);
  const reply = trial.wire.reply(data);
  const batch = Buffer.concat(Array(inFlight).fill(message));
  const peers = await trial.openMany(clients, () => "/echo");

  for (const peer of peers) {
    peer.write(message);
    await peer.expect(reply, "the echo of one message");
  }

  return goRound(trial, peers, {
    next: () => batch,
    batchBytes: reply.length * inFlight,
    replyBytes: reply.length,
  });
}

/**
 * Has each client send a batch whenever all of its last one has come back.
 *
 * @param {import("../load/trial.mjs").Trial} trial
 * @param {import("../load/client.mjs").Client[]} peers
 * @param {{ next: (index: number) => Buffer, batchBytes: number, replyBytes: number }} load the next batch of a client, and
 *   how many bytes come back for a batch and for one message. Where they are the same, each round trip is timed
 */
export async function goRound(trial, peers, { next, batchBytes, replyBytes }) {
  let received = 0;
  let isRunning = true;
  let batchesInFlight = peers.length;
  const roundTrips = batchBytes === replyBytes ? new LatencyHistogram() : undefined;
  peers.forEach((peer, index) => {
    let missing = batchBytes;
    let sentMs = 0;
    const send = () => {
      if (roundTrips) sentMs = performance.now();
      peer.write(next(index));
    };
    peer.count((count) => {
      received += count;
      missing -= count;
      if (missing > 0) return;
      if (missing < 0) return trial.fail("more bytes came back than were sent");
      missing = batchBytes;
      roundTrips?.add(performance.now() - sentMs);
      if (isRunning) send();
      else batchesInFlight--;
    });
    send();
  });

  const result = await trial.measure(() => received / replyBytes, roundTrips);

  isRunning = false;
  await trial.until(() => batchesInFlight === 0, "not all messages came back");
  return result;
}

/** @type {import("./index.mjs").Scene} */
export const echo = {
  name: "echo",
  title: "Echo, 20 bytes",
  load: "text, 64 clients with 32 messages in flight each",
  contestants: everyone,
  measures: [perSecond],
  run: (trial) => run(trial, { clients: 64, inFlight: 32, data: TEXT }),
};

/** @returns {import("./index.mjs").Scene} */
const echoOf = (name, size, bytes) => ({
  name,
  group: "large",
  title: `Echo, ${size}`,
  load: "bytes, 32 clients with one message in flight each",
  contestants: everyone,
  measures: [perSecond],
  run: (trial) => run(trial, { clients: 32, inFlight: 1, data: randomBytes(bytes) }),
});

export const large = [
  echoOf("echo-16k", "16 KiB", 16_384),
  echoOf("echo-64k", "64 KiB", 65_536),
  echoOf("echo-1m", "1 MiB", 1_048_576),
];

/** @type {import("./index.mjs").Scene} */
export const cpuEcho = {
  name: "cpu-echo",
  title: "CPU time per message",
  load: "echo of 20 bytes, 64 clients with one message in flight each",
  contestants: everyone,
  measures: [cpuMicros],
  run: (trial) => run(trial, { clients: 64, inFlight: 1, data: TEXT }),
};
