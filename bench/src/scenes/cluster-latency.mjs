// How long a message takes from a publisher at one process to subscribers at another.
import { clusters } from "../contestants.mjs";
import { LatencyHistogram } from "../load/histogram.mjs";

const SUBSCRIBERS = 200;
const PER_SECOND = 100;
const TEXT = "a message of sixty-four bytes of plain text, as short ones are.\n";

/**
 * An open loop, as in latency.mjs, at a rate that all of them can carry.
 *
 * @param {import("../load/trial.mjs").Trial} trial
 */
async function run(trial) {
  const message = trial.wire.message(TEXT);
  const delivery = trial.wire.reply(TEXT);
  const peers = await trial.openMany(SUBSCRIBERS, () => "/topic/feed", { isFar: true });
  const publisher = await trial.open("/publish/feed");
  await trial.sleep(300);
  publisher.write(message);
  await Promise.all(peers.map((peer) => peer.expect(delivery, "a message at a subscriber")));

  const histogram = new LatencyHistogram();
  const startedMs = performance.now();
  const measureFromMs = startedMs + trial.warmUpMs;
  const endMs = measureFromMs + trial.measureMs;
  const dueAt = (index) => startedMs + (index * 1_000) / PER_SECOND;
  let sent = 0;
  let arrived = 0;
  for (const peer of peers) {
    let next = 0;
    let bytes = 0;
    peer.count((count) => {
      const now = performance.now();
      for (bytes += count; bytes >= delivery.length; bytes -= delivery.length) {
        const due = dueAt(next++);
        if (due >= measureFromMs) histogram.add(now - due);
        arrived++;
      }
    });
  }
  const stopwatch = trial.stopwatch();
  stopwatch.start();
  await new Promise((resolve) => {
    const send = () => {
      const now = performance.now();
      for (; dueAt(sent) <= now && dueAt(sent) < endMs; sent++) publisher.write(message);
      // The load's core is the broker's too: a timer is coarser than a loop, but leaves it free.
      if (now < endMs) setTimeout(send, 1);
      else resolve();
    };
    send();
  });
  stopwatch.stop();
  await trial.until(() => arrived === sent * SUBSCRIBERS, "not all messages were delivered");
  const { busy, otherWork, cpuMicros } = stopwatch.result(arrived);
  return { busy, otherWork, cpuMicros, p50Ms: histogram.quantile(0.5), p99Ms: histogram.quantile(0.99) };
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
