// What the checks of the packed tarballs share.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/**
 * Packs every package, as it would be published.
 *
 * @param {string} work where to
 * @returns {Record<string, string>} tarballs by the names of the folders
 */
export function pack(work) {
  const tarballs = {};
  for (const name of readdirSync(join(root, "packages"))) {
    const folder = join(root, "packages", name);
    if (!existsSync(join(folder, "package.json"))) continue;
    run("pnpm", ["pack", "--pack-destination", work], folder);
    tarballs[name] = join(work, readdirSync(work).find((file) => file.startsWith(`spry-ws-${name}-`)) ?? "");
  }
  return tarballs;
}

/** Runs a command without what the package manager around it has put into the environment. */
export function run(command, args, cwd) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_config_/i.test(name)));
  try {
    return execFileSync(command, args, { cwd, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    throw new Error(`${command} ${args.join(" ")}\n${error.stdout}\n${error.stderr}`);
  }
}
