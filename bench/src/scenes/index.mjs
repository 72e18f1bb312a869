import { burst, cluster, cpuDelivery } from "./broadcast.mjs";
import { clusterLatency } from "./cluster-latency.mjs";
import { deflate } from "./deflate.mjs";
import { direct } from "./direct.mjs";
import { cpuEcho, echo, large } from "./echo.mjs";
import { handshakes } from "./handshakes.mjs";
import { idle, serviceIdle } from "./idle.mjs";
import { latency } from "./latency.mjs";
import { mixed } from "./mixed.mjs";
import { request } from "./request.mjs";
import { room } from "./room.mjs";

/**
 * @typedef {import("../load/trial.mjs").Trial} Trial
 *
 * @typedef {object} Measure one figure of a scene
 * @property {string} key its name in what `run` gives
 * @property {"count" | "µs" | "ms" | "bytes"} unit
 * @property {"more" | "less"} better
 * @property {string} label
 *
 * @typedef {object} Scene one kind of work; `run` runs in the load process, all else is for main.mjs
 * @property {string} name as in `--only`
 * @property {string} [group] of several scenes, which `--only` takes for all of them
 * @property {string} title
 * @property {string} load the rest of the title
 * @property {string[]} contestants
 * @property {string} [others] which other contestants are not there, and why
 * @property {Measure[]} measures the first is the one in the chart
 * @property {string} [ours] with whom the others are compared, if not spry-http
 * @property {2} [processes] how many server processes, joined by a broker; one without it
 * @property {string[]} [serverArgs] see servers/contract.mjs
 * @property {{ contestant: string, run: (trial: Trial) => Promise<object>, describe: (parameters: any) => string }} [prepare]
 *   done once, before the rounds: gives `trial.parameters`
 * @property {(trial: Trial) => Promise<Record<string, number>>} run
 */

/** @type {Scene[]} */
export const scenes = [
  echo,
  burst,
  room,
  ...mixed,
  ...large,
  cpuEcho,
  cpuDelivery,
  deflate,
  handshakes,
  idle,
  direct,
  latency,
  cluster,
  clusterLatency,
  request,
  serviceIdle,
];
