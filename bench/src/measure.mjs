// Scenes, rounds, contestants in turn.

import { byVersion } from "./node-versions.mjs";
import { formatFigure, formatShare } from "./report/format.mjs";
import { isDisturbed, summarize } from "./report/median.mjs";
import { runTrial } from "./run-trial.mjs";

/**
 * @param {import("./contestants.mjs").Contestant[]} contestants
 * @param {{ scenes: import("./scenes/index.mjs").Scene[], rounds: number, quick: boolean }} options
 * @param {(text: string) => void} log
 */
export async function measure(contestants, { scenes, rounds, quick }, log) {
  const plan = scenes.map((scene) => ({
    scene,
    runners: contestants.filter(({ name, unavailable }) => scene.contestants.includes(name) && !unavailable),
  }));
  const progress = new Progress(rounds * plan.reduce((sum, { runners }) => sum + runners.length, 0), log);

  const results = [];
  for (const { scene, runners } of plan) {
    log(`\n${scene.title}: ${scene.load}\n`);
    const prepared = await prepare(scene, contestants, quick);
    if (prepared.note) log(`  ${prepared.note}\n`);
    /** @type {import("./report/median.mjs").Trials} */
    const trials = new Map(runners.map((contestant) => [contestant, []]));
    // One after the other in each round: what slows the machine down for a while slows them all down.
    for (let round = 1; round <= rounds; round++) {
      for (const contestant of runners) {
        progress.begin(`${scene.name}, round ${round} of ${rounds}: ${nameOf(contestant)}`);
        const outcome = prepared.error
          ? { error: prepared.error }
          : await runTrial({ scene, contestant, quick, parameters: prepared.parameters });
        trials.get(contestant).push(outcome);
        progress.end(describe(scene, outcome));
      }
    }
    for (const { node, items } of byVersion(contestants))
      results.push({ node, ...summarize(scene, items, trials, prepared.note) });
  }
  return results;
}

const nameOf = ({ label, node }) => (node ? `${label}, Node ${node}` : label);

async function prepare(scene, contestants, quick) {
  if (!scene.prepare) return {};
  const contestant = contestants.find(({ name }) => name === scene.prepare.contestant);
  if (!contestant || contestant.unavailable)
    return { error: `needs ${scene.prepare.contestant} for its measure` };
  const outcome = await runTrial({ scene, contestant, quick, isPreparation: true });
  if (outcome.error) return { error: `${scene.prepare.contestant}: ${outcome.error}` };
  const { notes, ...parameters } = outcome.result;
  return { parameters, note: scene.prepare.describe(parameters) };
}

function describe(scene, { result, error }) {
  if (error) return `failed: ${error}`;
  const figures = scene.measures
    .map(({ key, unit }) => formatFigure(result[key], unit) || "not known")
    .join(", ");
  return isDisturbed(result) ? `${figures} (others had ${formatShare(result.otherWork)} of a core)` : figures;
}

class Progress {
  #total;
  #log;
  #done = 0;
  #startedMs = performance.now();

  constructor(total, log) {
    this.#total = total;
    this.#log = log;
  }

  begin(what) {
    const perTrialMs = (performance.now() - this.#startedMs) / this.#done;
    const minutes = Math.ceil((perTrialMs * (this.#total - this.#done)) / 60_000);
    const left = this.#done > 0 ? `, ${minutes} min left` : "";
    this.#log(`  [${this.#done + 1}/${this.#total}${left}] ${what} … `);
  }

  end(how) {
    this.#done++;
    this.#log(`${how}\n`);
  }
}
