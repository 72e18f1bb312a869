// The binaries of the runtimes, from the npm registry, each in a folder of its own: in node_modules/.bin a `node` would hide the
// one that is meant to run everything else.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, run } from "../packed/pack.mjs";

const cache = join(root, "test/.cache/runtimes");

/**
 * The path of a runtime's binary, which is installed where it is missing.
 *
 * @param {import("./runtimes.mjs").Runtime} runtime
 * @param {(line: string) => void} [log]
 */
export function binaryOf(runtime, log = console.log) {
  const folder = join(cache, `${runtime.name.toLowerCase()}-${runtime.version}`);
  const binary = join(folder, "node_modules", runtime.package, runtime.binary);
  if (existsSync(binary)) return binary;
  const { platform, arch } = process;
  if (platform !== "linux" || arch !== "x64") {
    throw new Error(`the binaries are for Linux on x64, and this is ${platform} on ${arch}`);
  }
  const spec = `${runtime.package}@${runtime.version}`;
  log(`installing ${spec}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true }));
  try {
    run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", spec], folder);
  } catch (cause) {
    const lines = String(cause.message).split("\n");
    const why = lines.find((line) => /npm error (?:code|network|40\d)/.test(line)) ?? lines[0];
    throw new Error(`${spec} could not be installed from the npm registry (${why.trim()})`, { cause });
  }
  return binary;
}
