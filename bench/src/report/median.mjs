// From trials to one figure for each contestant.
import { OURS } from "../contestants.mjs";

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The share of a core that other processes may have had in a round that counts. */
const CALM = 0.1;

/** Whether other work on the machine has bent a figure. */
export const isDisturbed = (result) => (result?.otherWork ?? 0) > CALM;

/**
 * @typedef {object} ContestantResult
 * @property {string} name
 * @property {string} label
 * @property {Record<string, number>} [median] over the rounds that ended well: the calm ones, if there are any
 * @property {object[]} rounds
 * @property {string} [problem] why there is no figure, or what a reader must know of it
 *
 * @typedef {Map<import("../contestants.mjs").Contestant, ({ result: object } | { error: string })[]>} Trials
 *
 * @typedef {object} SceneResult
 * @property {string} [node] the version of Node that the servers ran on, in a run with several
 * @property {string} name
 * @property {string} title
 * @property {string} load
 * @property {import("../scenes/index.mjs").Measure[]} measures
 * @property {string} [note]
 * @property {string} ours the contestant that the others are compared with
 * @property {ContestantResult[]} results
 * @property {string} [others] which contestants are not in this scene, and why
 */

/**
 * @param {import("../scenes/index.mjs").Scene} scene
 * @param {import("../contestants.mjs").Contestant[]} contestants
 * @param {Trials} trials
 * @returns {SceneResult}
 */
export function summarize(scene, contestants, trials, note) {
  const { name, title, load, measures, others } = scene;
  const takingPart = contestants.filter((contestant) => scene.contestants.includes(contestant.name));
  return {
    name,
    title,
    load,
    measures,
    note,
    ours: reference(scene.ours ?? OURS, takingPart),
    results: takingPart.map((contestant) => summarizeContestant(contestant, trials)),
    others,
  };
}

/** With whom a scene compares; in a run without that contestant, the first of ours. */
function reference(wanted, takingPart) {
  const names = takingPart.map(({ name }) => name);
  return names.includes(wanted) ? wanted : (names.find((name) => name.startsWith("spry-")) ?? wanted);
}

function summarizeContestant(contestant, trials) {
  const { name, label, unavailable } = contestant;
  if (unavailable) return { name, label, rounds: [], problem: unavailable };
  const rounds = trials.get(contestant);
  const good = rounds.flatMap(({ result }) => (result ? [result] : []));
  const errors = rounds.flatMap(({ error }) => (error ? [error] : []));
  const notes = new Set(good.flatMap((result) => result.notes));
  if (errors.length > 0) {
    const howMany = good.length === 0 ? "" : `in ${errors.length} of ${rounds.length} rounds `;
    notes.add(`${howMany}failed: ${errors[0]}`);
  }
  const problem = notes.size > 0 ? [...notes].join("; ") : undefined;
  if (good.length === 0) return { name, label, rounds, problem };
  const calm = good.filter((result) => !isDisturbed(result));
  const counted = calm.length > 0 ? calm : good;
  const keys = Object.keys(good[0]).filter((key) => typeof good[0][key] === "number");
  return {
    name,
    label,
    median: Object.fromEntries(keys.map((key) => [key, median(counted.map((result) => result[key]))])),
    rounds: rounds.map(({ result, error }) => (error ? { error } : { ...result, notes: undefined })),
    problem,
  };
}
