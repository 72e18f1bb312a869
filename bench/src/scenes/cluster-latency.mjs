// How long a message takes from a publisher at one process to subscribers at another.
import { clusters } from "../contestants.mjs";
import { openLoop } from "./open-loop.mjs";

const SUBSCRIBERS = 200;
const PER_SECOND = 100;
const TEXT = "a message of sixty-four bytes of plain text, as short ones are.\n";

/** At a rate that all of them can carry. @param {import("../load/trial.mjs").Trial} trial */
async function run(trial) {
  const message = trial.wire.message(TEXT);
  const delivery = trial.wire.reply(TEXT);
  const peers = await trial.openMany(SUBSCRIBERS, () => "/topic/feed", { isFar: true });
  const publisher = await trial.open("/publish/feed");
  await trial.sleep(300);
  publisher.write(message);
  await Promise.all(peers.map((peer) => peer.expect(delivery, "a message at a subscriber")));

  return openLoop(trial, {
    perSecond: PER_SECOND,
    send: () => publisher.write(message),
    receivers: peers.map((peer) => ({ peer, first: 0, step: 1 })),
    replyBytes: delivery.length,
    copies: SUBSCRIBERS,
    // The load's core is the broker's too: a timer is coarser than a loop, but leaves it free.
    wait: (next) => setTimeout(next, 1),
  });
}

/** @type {import("./index.mjs").Scene} */
export const clusterLatency = {
  name: "cluster-latency",
  title: "Latency to another process",
  load: `${PER_SECOND} messages of 64 bytes per second to ${SUBSCRIBERS} subscribers at another process, open loop`,
  contestants: clusters,
  ours: "spry-redis",
  processes: 2,
  measures: [
    { key: "p99Ms", unit: "ms", better: "less", label: "99 % arrive within" },
    { key: "p50Ms", unit: "ms", better: "less", label: "half arrive within" },
    { key: "cpuMicros", unit: "µs", better: "less", label: "CPU time of both processes per delivery" },
  ],
  run,
};
