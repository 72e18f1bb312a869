// From the TCP connection through the framework's router to the 101.
import { everyone } from "../contestants.mjs";

const AT_ONCE = 32;

/** Closed connections keep their port for a minute: on Linux every 127.x.x.x is an address of its own with ports of its own. */
const ADDRESSES = process.platform === "linux" ? 16 : 1;

/** @param {import("../load/trial.mjs").Trial} trial */
async function run(trial) {
  const first = await trial.open("/echo");
  first.write(trial.wire.message("hello"));
  await first.expect(trial.wire.reply("hello"), "the echo of one message");
  first.destroy();

  let done = 0;
  let isRunning = true;
  const work = async (index) => {
    const localAddress = ADDRESSES > 1 ? `127.0.0.${2 + (index % ADDRESSES)}` : undefined;
    while (isRunning) {
      const client = await trial.open("/echo", { localAddress });
      client.destroy();
      done++;
    }
  };
  const workers = Promise.all(Array.from({ length: AT_ONCE }, (_, index) => work(index)));

  const measure = async () => {
    await trial.sleep(trial.warmUpMs);
    const stopwatch = trial.stopwatch();
    stopwatch.start();
    done = 0;
    await trial.sleep(trial.measureMs);
    const result = stopwatch.stop(done);
    isRunning = false;
    return result;
  };
  const [result] = await Promise.all([measure(), workers]);
  return result;
}

/** @type {import("./index.mjs").Scene} */
export const handshakes = {
  name: "handshakes",
  title: "Handshakes through the framework's router, 32 at a time, each on a connection of its own",
  contestants: everyone.filter((name) => name !== "net"),
  others: "Without raw net, which has no handshake.",
  measures: [{ key: "perSecond", unit: "count", better: "more", label: "handshakes per second" }],
  run,
};
