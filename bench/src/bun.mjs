// Bun comes from the npm registry on first use, into a folder of its own: in node_modules its `bun` and `node` would shadow the
// real ones on the PATH of every script.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { run } from "./children.mjs";

const VERSION = "1.4.5";

const packages = {
  "linux-x64": "@oven/bun-linux-x64",
  "linux-arm64": "@oven/bun-linux-aarch64",
  "darwin-x64": "@oven/bun-darwin-x64",
  "darwin-arm64": "@oven/bun-darwin-aarch64",
};

const folder = fileURLToPath(new URL("../.cache/bun", import.meta.url));

/**
 * @param {(line: string) => void} log
 * @returns {Promise<{ command: string, version: string } | { unavailable: string }>}
 */
export async function installBun(log) {
  const platform = `${process.platform}-${process.arch}`;
  const name = packages[platform];
  if (!name) return { unavailable: `no Bun for ${platform}` };
  const command = `${folder}/node_modules/${name}/bin/bun`;
  if (versionOf(command) !== VERSION) {
    log(`installing Bun ${VERSION} into bench/.cache …`);
    const options = ["--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
    const failure = await run("npm", ["install", "--prefix", folder, ...options, `${name}@${VERSION}`]);
    if (failure) return { unavailable: `npm could not install Bun: ${failure}` };
  }
  const version = versionOf(command);
  return version ? { command, version } : { unavailable: "Bun does not start on this machine" };
}

function versionOf(command) {
  if (!existsSync(command)) return undefined;
  const { status, stdout } = spawnSync(command, ["--version"], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}
