// Before the first trial: who can run here, in which version.
import { existsSync, readFileSync } from "node:fs";
import { installBun } from "./bun.mjs";
import { contestants } from "./contestants.mjs";
import { onVersions } from "./node-versions.mjs";

/**
 * Fills in versions, installs what is installed on demand, and notes who cannot run and why.
 *
 * @param {{ contestants: string[], nodeVersions: typeof import("./node-versions.mjs").nodeVersions }} options
 * @param {(line: string) => void} log
 * @returns {Promise<import("./contestants.mjs").Contestant[]>}
 */
export async function prepareContestants({ contestants: names, nodeVersions }, log) {
  const chosen = contestants.filter(({ name }) => names.includes(name));
  const prepared = await Promise.all(chosen.map((contestant) => prepare(contestant, log)));
  return onVersions(prepared, nodeVersions, log);
}

async function prepare(contestant, log) {
  if (contestant.name === "bun") return { ...contestant, ...(await installBun(log)) };
  if (!contestant.package) return contestant;
  const manifest = new URL(`../node_modules/${contestant.package}/package.json`, import.meta.url);
  if (!existsSync(manifest)) return { ...contestant, unavailable: "not installed: run pnpm install" };
  return { ...contestant, version: JSON.parse(readFileSync(manifest, "utf8")).version };
}
