// Before the first trial: who can run here, in which version.
import { existsSync, readFileSync } from "node:fs";
import { installBun } from "./bun.mjs";
import { contestants } from "./contestants.mjs";

/**
 * Fills in versions, installs what is installed on demand, and notes who cannot run and why.
 *
 * @param {string[]} names
 * @param {(line: string) => void} log
 * @returns {Promise<import("./contestants.mjs").Contestant[]>}
 */
export function prepareContestants(names, log) {
  const chosen = contestants.filter(({ name }) => names.includes(name));
  return Promise.all(chosen.map((contestant) => prepare(contestant, log)));
}

async function prepare(contestant, log) {
  if (contestant.name === "bun") return { ...contestant, ...(await installBun(log)) };
  if (!contestant.package) return contestant;
  const manifest = new URL(`../node_modules/${contestant.package}/package.json`, import.meta.url);
  if (!existsSync(manifest)) return { ...contestant, unavailable: "not installed: run pnpm install" };
  return { ...contestant, version: JSON.parse(readFileSync(manifest, "utf8")).version };
}
