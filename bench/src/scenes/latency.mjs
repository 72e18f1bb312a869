// How long an echo takes under a load all contestants can carry.
import { everyone } from "../contestants.mjs";
import { cpuEcho } from "./echo.mjs";
import { openLoop } from "./open-loop.mjs";

const CLIENTS = 64;
const TEXT = "twenty bytes of text";

/** @param {import("../load/trial.mjs").Trial} trial */
async function run(trial) {
  const message = trial.wire.message(TEXT);
  const reply = trial.wire.reply(TEXT);
  const peers = await trial.openMany(CLIENTS, () => "/echo");
  for (const peer of peers) {
    peer.write(message);
    await peer.expect(reply, "the echo of one message");
  }

  return openLoop(trial, {
    perSecond: trial.parameters.perSecond,
    send: (index) => peers[index % CLIENTS].write(message),
    receivers: peers.map((peer, first) => ({ peer, first, step: CLIENTS })),
    replyBytes: reply.length,
    copies: 1,
    // A timer would be too coarse: the load's core does nothing else.
    wait: setImmediate,
  });
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
