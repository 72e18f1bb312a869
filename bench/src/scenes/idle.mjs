// What a connection costs that does nothing.
import { everyone } from "../contestants.mjs";

const CONNECTIONS = 10_000;

/** Opened before the first look: they warm the server up. */
const FIRST = 500;

/** @param {import("../load/trial.mjs").Trial} trial */
async function run(trial) {
  const peer = await trial.open("/echo");
  peer.write(trial.wire.message("hello"));
  await peer.expect(trial.wire.reply("hello"), "the echo of one message");

  const count = trial.possibleConnections(CONNECTIONS + FIRST) - FIRST;
  await trial.openMany(FIRST, () => "/idle");
  const before = await trial.memory();
  await trial.openMany(count, () => "/idle");
  const after = await trial.memory();
  return {
    heapBytes: (after.heapBytes - before.heapBytes) / count,
    rssBytes: (after.rssBytes - before.rssBytes) / count,
  };
}

/** @type {import("./index.mjs").Scene} */
export const idle = {
  name: "idle",
  title: "Memory per idle connection",
  load: "10,000 of them",
  contestants: everyone,
  measures: [
    { key: "heapBytes", unit: "bytes", better: "less", label: "heap per connection" },
    { key: "rssBytes", unit: "bytes", better: "less", label: "resident memory per connection" },
  ],
  run,
};
