import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./documents.mjs";

const readPackage = (folder) => JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
const { packageManager } = readPackage(".");

/** Commands of pnpm's own that the documentation uses. */
const builtIn = new Set(["add", "install"]);

/**
 * What `sh` blocks run of this repository must be there: scripts of package.json or of an example's, with the version of pnpm
 * that is pinned, and files.
 *
 * @param {string} document
 * @param {import("./markdown.mjs").Block} block
 * @returns {string[]}
 */
export function commandErrors(document, { line, code }) {
  return code.flatMap((command, i) => {
    const place = `${document}:${line + i}`;
    const [, version, example, script] =
      /(?:^|\s)pnpm(?:@(\S+))?(?:\s+--filter @spry-ws\/example-(\S+))?(?:\s+(?:--?\S+|run))*\s+([\w:-]+)/.exec(
        command,
      ) ?? [];
    const folder = example ? `examples/${example}` : ".";
    const [, file] = /^(?:bash|node)\s+(?:--?\S+\s+)*([\w./-]+\/[\w./-]+)/.exec(command) ?? [];
    return [
      ...(script && !builtIn.has(script) && !(script in readPackage(folder).scripts)
        ? [`${place}: error: ${join(folder, "package.json")} has no script "${script}"`]
        : []),
      ...(version && `pnpm@${version}` !== packageManager
        ? [`${place}: error: pnpm@${version} is not the ${packageManager} of package.json`]
        : []),
      ...(file && !existsSync(join(root, file)) ? [`${place}: error: there is no ${file}`] : []),
    ];
  });
}
