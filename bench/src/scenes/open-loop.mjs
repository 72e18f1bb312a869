// Messages that leave when a schedule says so, whether or not earlier ones are back.
import { LatencyHistogram } from "../load/histogram.mjs";

/**
 * The time of each message counts from when it was due. So a server that stalls is charged for every message it keeps waiting
 * (coordinated omission).
 *
 * @param {import("../load/trial.mjs").Trial} trial
 * @param {object} load
 * @param {number} load.perSecond
 * @param {(index: number) => void} load.send
 * @param {{ peer: import("../load/client.mjs").Client, first: number, step: number }[]} load.receivers to each come the messages with the
 *   indexes `first`, `first + step`, and so on, in order
 * @param {number} load.replyBytes
 * @param {number} load.copies how many receivers each message has
 * @param {(next: () => void) => void} load.wait until the schedule is looked at again
 */
export async function openLoop(trial, { perSecond, send, receivers, replyBytes, copies, wait }) {
  const histogram = new LatencyHistogram();
  const startedMs = performance.now();
  const measureFromMs = startedMs + trial.warmUpMs;
  const endMs = measureFromMs + trial.measureMs;
  const dueAt = (index) => startedMs + (index * 1_000) / perSecond;
  let sent = 0;
  let arrived = 0;
  for (const { peer, first, step } of receivers) {
    let oldest = first;
    let bytes = 0;
    peer.count((count) => {
      const now = performance.now();
      for (bytes += count; bytes >= replyBytes; bytes -= replyBytes) {
        const due = dueAt(oldest);
        if (due >= measureFromMs) histogram.add(now - due);
        oldest += step;
        arrived++;
      }
    });
  }

  const stopwatch = trial.stopwatch();
  stopwatch.start();
  await new Promise((resolve) => {
    const work = () => {
      const now = performance.now();
      while (dueAt(sent) <= now && dueAt(sent) < endMs) send(sent++);
      if (now < endMs) wait(work);
      else resolve();
    };
    work();
  });
  stopwatch.stop();
  await trial.until(() => arrived === sent * copies, "not all messages came back");
  const { busy, otherWork, cpuMicros } = stopwatch.result(arrived);
  return { busy, otherWork, cpuMicros, ...histogram.quantiles() };
}
