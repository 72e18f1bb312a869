// The chat room of crossws's own benchmark, which has it from Bun's: https://github.com/h3js/crossws/tree/main/bench. Its client
// parses each message and is the bottleneck for a fast server; this one counts bytes, and starts the next batch at once.
import { everyoneBut } from "../contestants.mjs";

const CLIENTS = 32;

const texts = [
  ...["Hello World!", ...Array.from({ length: 9 }, (_, i) => `Hello World! ${i + 1}`)],
  ...["What is the meaning of life?", "where is the bathroom?", "zoo", "kangaroo", "erlang", "elixir"],
  ...["bun", "mochi", "typescript", "javascript"],
];

/** What each client sends in a batch: 640 messages. */
const messages = Array.from({ length: 32 }, () => texts).flat();

/** @param {import("../load/trial.mjs").Trial} trial */
async function run(trial) {
  const order = Buffer.concat(messages.map((text) => trial.wire.message(text)));
  const expected = Buffer.concat(messages.map((text) => trial.wire.reply(text)));
  const peers = await trial.openMany(CLIENTS, () => "/room");

  peers[0].write(order);
  await Promise.all(peers.map((peer) => peer.expect(expected, "one client's messages at another")));

  let missing = 0;
  let finish;
  for (const peer of peers) {
    peer.count((count) => {
      missing -= count;
      if (missing <= 0) finish();
    });
  }
  const batch = async () => {
    missing = expected.length * CLIENTS * CLIENTS;
    const finished = new Promise((resolve) => {
      finish = resolve;
    });
    for (const peer of peers) peer.write(order);
    await finished;
    if (missing < 0) throw new Error("more was delivered than was sent");
  };

  const stopwatch = trial.stopwatch();
  stopwatch.start();
  while (stopwatch.elapsedMs < trial.warmUpMs) await batch();
  stopwatch.start();
  let batches = 0;
  while (stopwatch.elapsedMs < trial.measureMs) {
    await batch();
    batches++;
  }
  stopwatch.stop();
  return stopwatch.result(batches * messages.length * CLIENTS * CLIENTS);
}

/** @type {import("./index.mjs").Scene} */
export const room = {
  name: "room",
  title: "The chat room of crossws",
  load: "32 clients send 640 short messages each, everyone hears everyone",
  contestants: everyoneBut("net"),
  others: "Without raw net, which would hand on a client's 640 messages as one chunk.",
  measures: [{ key: "perSecond", unit: "count", better: "more", label: "deliveries per second" }],
  run,
};
