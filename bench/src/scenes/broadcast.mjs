// One publisher, many subscribers of a topic.
import { clusters, everyone, services } from "../contestants.mjs";
import { keepPublishing } from "./keep-publishing.mjs";

const TEXT = "a message of sixty-four bytes of plain text, as short ones are.\n";

/**
 * The publisher sends a burst of messages in one write.
 *
 * @param {import("../load/trial.mjs").Trial} trial
 */
async function run(trial, { subscribers, burst, isFar = false }) {
  const order = Buffer.concat(Array(burst).fill(trial.wire.message(TEXT)));
  const delivery = trial.wire.reply(TEXT).length;
  const expected = Buffer.concat(Array(burst).fill(trial.wire.reply(TEXT)));
  const peers = await trial.openMany(subscribers, () => "/topic/feed", { isFar });
  const publisher = await trial.open("/publish/feed");

  // Subscriptions reach a broker a little later than the handshake its client.
  if (isFar) await trial.sleep(300);
  publisher.write(order);
  await Promise.all(peers.map((peer) => peer.expect(expected, "a burst at a subscriber")));

  return keepPublishing(trial, peers, {
    publish: () => publisher.write(order),
    batch: expected.length * subscribers,
    delivery,
  });
}

/** @type {import("./index.mjs").Scene} */
export const burst = {
  name: "burst",
  title: "Broadcast in bursts",
  load: "bursts of 32 messages of 64 bytes to 200 subscribers",
  contestants: [...everyone, ...services],
  measures: [{ key: "perSecond", unit: "count", better: "more", label: "deliveries per second" }],
  run: (trial) => run(trial, { subscribers: 200, burst: 32 }),
};

/** @type {import("./index.mjs").Scene} */
export const cpuDelivery = {
  name: "cpu-delivery",
  title: "CPU time per delivery",
  load: "single messages of 64 bytes to 1,000 subscribers",
  contestants: everyone,
  measures: [{ key: "cpuMicros", unit: "µs", better: "less", label: "server CPU time per delivery" }],
  run: (trial) => run(trial, { subscribers: 1_000, burst: 1 }),
};

/** @type {import("./index.mjs").Scene} */
export const cluster = {
  name: "cluster",
  title: "Broadcast to another process",
  load: "bursts of 32 messages of 64 bytes to 200 subscribers, through a broker",
  contestants: clusters,
  ours: "spry-redis",
  processes: 2,
  measures: [{ key: "perSecond", unit: "count", better: "more", label: "deliveries per second" }],
  run: (trial) => run(trial, { subscribers: 200, burst: 32, isFar: true }),
};
