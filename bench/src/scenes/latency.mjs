// How long an echo takes under a load all contestants can carry.
import { everyone } from "../contestants.mjs";
import { LatencyHistogram } from "../load/histogram.mjs";
import { cpuEcho } from "./echo.mjs";

const CLIENTS = 64;
const TEXT = "twenty bytes of text";

/**
 * An open loop: messages leave when the schedule says so, whether or not earlier ones are back, and the time of each counts
 * from when it was due. So a server that stalls is charged for every message it keeps waiting (coordinated omission).
 *
 * @param {import("../load/trial.mjs").Trial} trial
 */
async function run(trial) {
  const message = trial.wire.message(TEXT);
  const reply = trial.wire.reply(TEXT);
  const peers = await trial.openMany(CLIENTS, () => "/echo");
  for (const peer of peers) {
    peer.write(message);
    await peer.expect(reply, "the echo of one message");
  }

  const histogram = new LatencyHistogram();
  const startedMs = performance.now();
  const measureFromMs = startedMs + trial.warmUpMs;
  const endMs = measureFromMs + trial.measureMs;
  const stepMs = 1_000 / trial.parameters.perSecond;
  const dueAt = (index) => startedMs + index * stepMs;
  let sent = 0;
  let answered = 0;
  peers.forEach((peer, number) => {
    // The messages of a client come back in order, and every 64th is one of its own.
    let oldest = number;
    let bytes = 0;
    peer.count((count) => {
      const now = performance.now();
      for (bytes += count; bytes >= reply.length; bytes -= reply.length) {
        const due = dueAt(oldest);
        if (due >= measureFromMs) histogram.add(now - due);
        oldest += CLIENTS;
        answered++;
      }
    });
  });

  const stopwatch = trial.stopwatch();
  stopwatch.start();
  await new Promise((resolve) => {
    const send = () => {
      const now = performance.now();
      while (dueAt(sent) <= now && dueAt(sent) < endMs) peers[sent++ % CLIENTS].write(message);
      // A timer would be too coarse: the load's core does nothing else.
      if (now < endMs) setImmediate(send);
      else resolve();
    };
    send();
  });
  stopwatch.stop();
  await trial.until(() => answered === sent, "not all messages came back");
  const { busy, otherWork } = stopwatch.result(sent);
  return {
    busy,
    otherWork,
    p50Ms: histogram.quantile(0.5),
    p99Ms: histogram.quantile(0.99),
    p999Ms: histogram.quantile(0.999),
  };
}

/** @type {import("./index.mjs").Scene} */
export const latency = {
  name: "latency",
  title: "Latency of an echo",
  load: "at half the load that ws can carry, 64 clients, open loop",
  contestants: everyone,
  measures: [
    { key: "p99Ms", unit: "ms", better: "less", label: "99 % are back within" },
    { key: "p50Ms", unit: "ms", better: "less", label: "half are back within" },
  ],
  prepare: {
    contestant: "ws",
    async run(trial) {
      const { perSecond } = await cpuEcho.run(trial);
      return { perSecond: perSecond / 2 };
    },
    describe: ({ perSecond }) =>
      `${Math.round(perSecond)} messages per second, half of what ws echoed with one in flight`,
  },
  run,
};
