// The versions of Node that servers can run on, from where test/runtimes has them.
import { binaryOf } from "../../test/runtimes/install.mjs";
import { runtimes } from "../../test/runtimes/runtimes.mjs";

const majorOf = (version) => version.split(".")[0];

/** Each has a `name` as in `--node`. */
export const nodeVersions = runtimes
  .filter(({ name }) => name === "Node")
  .map((runtime) => ({ name: majorOf(runtime.version), runtime }));

/**
 * The same contestants once for each version; those that do not run on Node only once.
 *
 * @param {import("./contestants.mjs").Contestant[]} contestants
 * @param {typeof nodeVersions} versions none: all run on the Node of this process
 * @param {(line: string) => void} log
 * @returns {import("./contestants.mjs").Contestant[]}
 */
export function onVersions(contestants, versions, log) {
  if (versions.length === 0) return contestants;
  const installed = versions.map(({ runtime }) => install(runtime, log));
  return contestants.flatMap((contestant) =>
    contestant.name === "bun" ? [contestant] : installed.map((version) => ({ ...contestant, ...version })),
  );
}

function install(runtime, log) {
  const node = runtime.version;
  try {
    return { node, command: binaryOf(runtime, log) };
  } catch (error) {
    return { node, unavailable: error.message };
  }
}

/**
 * The versions of a run, each with what belongs to it.
 *
 * @template {{ node?: string }} T
 * @param {readonly T[]} items those without a version belong to each
 * @returns {{ node: string | undefined, items: T[] }[]} one without a version where nothing has one
 */
export function byVersion(items) {
  const versions = [...new Set(items.flatMap(({ node }) => (node === undefined ? [] : [node])))];
  if (versions.length === 0) return [{ node: undefined, items: [...items] }];
  return versions.map((node) => ({
    node,
    items: items.filter((item) => item.node === undefined || item.node === node),
  }));
}
