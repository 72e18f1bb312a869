// The ratios the project asks of itself.
import { OURS } from "../contestants.mjs";
import { byVersion } from "../node-versions.mjs";
import { isDisturbed } from "./median.mjs";

/**
 * @typedef {object} Target
 * @property {string} work
 * @property {string} scene
 * @property {string} key the measure
 * @property {string} [against] without one the figure itself is bounded, in `unit`
 * @property {import("../scenes/index.mjs").Measure["unit"]} [unit]
 * @property {string} ours the contestant that is compared
 * @property {number} [atLeast] ours ÷ theirs
 * @property {number} [atMost]
 */

/** @returns {Target[]} */
function target(work, scene, key, limits) {
  return limits.map(([against, limit, ours = OURS]) => ({
    work,
    scene,
    key,
    against,
    ours,
    ...limit,
  }));
}

const atLeast = (value) => ({ atLeast: value });
const atMost = (value) => ({ atMost: value });

const targets = [
  ...target("echo, 32 in flight", "echo", "perSecond", [
    ["ws", atLeast(10)],
    ["crossws", atLeast(10)],
    ["fastify-websocket", atLeast(10)],
    ["bun", atLeast(0.7)],
  ]),
  ...target("burst broadcast, 200 subscribers", "burst", "perSecond", [
    ["ws", atLeast(15)],
    ["crossws", atLeast(15)],
    ["bun", atLeast(0.8)],
  ]),
  ...target("crossws's chat room", "room", "perSecond", [["crossws", atLeast(10)]]),
  ...target("echo of 16 KiB", "echo-16k", "perSecond", [
    ["ws", atLeast(2.5)],
    ["bun", atLeast(0.8)],
  ]),
  ...target("echo of 1 MiB", "echo-1m", "perSecond", [
    ["ws", atLeast(2.5)],
    ["bun", atLeast(0.8)],
  ]),
  ...target("CPU per message, echo, one in flight", "cpu-echo", "cpuMicros", [
    ["ws", atMost(0.88)],
    ["net", atMost(1.1)],
  ]),
  ...target("CPU per delivery, 1,000 subscribers", "cpu-delivery", "cpuMicros", [
    ["ws", atMost(0.8)],
    ["net", atMost(1.1)],
  ]),
  ...target("broadcast with permessage-deflate", "deflate", "perSecond", [
    ["ws", atLeast(20)],
    ["ws-no-takeover", atLeast(20)],
  ]),
  ...target("handshakes through the framework", "handshakes", "perSecond", [
    ["fastify-websocket", atLeast(1), "spry-fastify"],
    ["express-ws", atLeast(1), "spry-express"],
  ]),
  ...target("heap per idle connection", "idle", "heapBytes", [["ws", atMost(1.15)]]),
  ...target("resident memory per idle connection", "idle", "rssBytes", [["ws", atMost(1.15)]]),
  ...target("publish to 1 of 10,000 peers", "direct", "perSecond", [["crossws", atLeast(100)]]),
  ...target("broadcast to another process, Redis", "cluster", "perSecond", [
    ["crossws-redis", atLeast(2), "spry-redis"],
    ["socket.io-redis", atLeast(2), "spry-redis"],
  ]),
  ...target("burst broadcast through spry.v1", "burst", "perSecond", [
    ["spry-http", atLeast(0.8), "spry-service"],
    ["socket.io", atLeast(20), "spry-service"],
  ]),
  ...target("requests with answers", "request", "perSecond", [["socket.io", atLeast(8), "spry-service"]]),
  ...target("heap per further peer of a service", "service-idle", "heapBytes", [
    [undefined, { atMost: 600, unit: "bytes" }, "spry-service"],
  ]),
  ...target("p99 latency at half the peak load", "latency", "p99Ms", [["ws", atMost(1)]]),
];

/**
 * `reached` is the ratio of the figures, `reachedByCpu` that of the work per second of server CPU. They are the same where the server is
 * what limits; on a machine with other work only the second means something, and decides.
 *
 * @typedef {Target & { node?: string, reached?: number, reachedByCpu?: number, verdict: string }} Comparison
 *
 * @param {import("./median.mjs").SceneResult[]} scenes
 * @returns {Comparison[]}
 */
export function compare(scenes) {
  return byVersion(scenes).flatMap(({ node, items }) =>
    compareOne(items).map((comparison) => ({ node, ...comparison })),
  );
}

/** With the scenes of one version of Node. */
function compareOne(scenes) {
  return targets.map((asked) => {
    const results = scenes.find(({ name }) => name === asked.scene)?.results ?? [];
    const medianOf = (name) => results.find((result) => result.name === name)?.median;
    const ours = medianOf(asked.ours);
    const theirs = asked.against === undefined ? undefined : medianOf(asked.against);
    const reached = ours?.[asked.key] / (asked.against === undefined ? 1 : theirs?.[asked.key]);
    if (!Number.isFinite(reached)) return { ...asked, verdict: "not measured" };

    const reachedByCpu = asked.key === "perSecond" && theirs ? theirs.cpuMicros / ours.cpuMicros : undefined;
    const isNoisy = isDisturbed(ours) || (theirs !== undefined && isDisturbed(theirs));
    const decides = isNoisy ? (reachedByCpu ?? reached) : reached;
    const { atLeast: least = 0, atMost: most = Number.POSITIVE_INFINITY } = asked;
    const verdict = decides >= least && decides <= most ? "pass" : "miss";
    return { ...asked, reached, reachedByCpu, verdict: isNoisy ? `${verdict} (busy machine)` : verdict };
  });
}
