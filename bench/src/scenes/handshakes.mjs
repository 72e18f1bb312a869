// From the TCP connection through the framework's router to the 101. Closing is not measured: connections are opened by the
// thousand, and cut with the stopwatch halted.
import { everyoneBut } from "../contestants.mjs";

const BATCH = 2_000;

/** How many make a server warm: a handshake runs far more code than an echo, and less often, before the compiler sees it. */
const WARM_UP = { quick: 4_000, full: 16_000 };

/** Until the server has cleared away the connections that were cut. */
const CLEAR_UP_MS = 250;

/** @param {import("../load/trial.mjs").Trial} trial */
async function run(trial) {
  const first = await trial.open("/echo");
  first.write(trial.wire.message("hello"));
  await first.expect(trial.wire.reply("hello"), "the echo of one message");

  const stopwatch = trial.stopwatch();
  const batch = async () => {
    stopwatch.start();
    const clients = await trial.openMany(BATCH, () => "/echo");
    stopwatch.stop();
    for (const client of clients) client.reset();
    await trial.sleep(CLEAR_UP_MS);
  };

  const warmUp = trial.quick ? WARM_UP.quick : WARM_UP.full;
  for (let done = 0; done < warmUp; done += BATCH) await batch();
  stopwatch.reset();
  let done = 0;
  while (stopwatch.seconds < trial.measureMs / 1_000) {
    await batch();
    done += BATCH;
  }
  return stopwatch.result(done);
}

/** @type {import("./index.mjs").Scene} */
export const handshakes = {
  name: "handshakes",
  title: "Handshakes",
  load: "through the framework's router, 64 at a time, each on a connection of its own",
  contestants: everyoneBut("net"),
  others: "Without raw net, which has no handshake.",
  measures: [{ key: "perSecond", unit: "count", better: "more", label: "handshakes per second" }],
  run,
};
