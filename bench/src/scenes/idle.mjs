// What a connection costs that does nothing.
import { everyone, services } from "../contestants.mjs";
import { wires } from "../load/wires.mjs";

const CONNECTIONS = 10_000;

/** Of each kind: raw peers, and peers of a service. */
const SERVED = 2_500;

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

async function exchange(peer) {
  peer.write(wires.websocket.message("hello"));
  await peer.expect(wires.websocket.reply("hello"), "the echo of one message");
}

/**
 * What a peer of a service holds beyond a raw one, in the same process.
 *
 * @param {import("../load/trial.mjs").Trial} trial
 */
async function runService(trial) {
  const count = Math.min(SERVED, Math.floor(trial.possibleConnections(2 * (SERVED + FIRST)) / 2) - FIRST);
  const open = async (number, wire) => {
    const before = await trial.memory();
    const peers = await trial.openMany(number, () => "/idle", { wire });
    // A peer of a service has said hello, and been answered.
    if (wire !== trial.wire) await Promise.all(peers.map(exchange));
    const after = await trial.memory();
    return after.heapBytes - before.heapBytes;
  };
  for (const wire of [wires.websocket, trial.wire]) await open(FIRST, wire);
  const raw = await open(count, wires.websocket);
  const served = await open(count, trial.wire);
  return { heapBytes: (served - raw) / count, peerBytes: served / count };
}

/** @type {import("./index.mjs").Scene} */
export const serviceIdle = {
  name: "service-idle",
  title: "Memory per idle peer of a service",
  load: "2,500 of them, and 2,500 raw peers in the same process",
  contestants: services,
  ours: "spry-service",
  measures: [
    { key: "heapBytes", unit: "bytes", better: "less", label: "heap beyond that of a raw peer" },
    { key: "peerBytes", unit: "bytes", better: "less", label: "heap of a peer, with its connection" },
  ],
  run: runService,
};

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
