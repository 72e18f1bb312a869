import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** Where the project's own markdown is. Generated pages, API reports and changesets are not. */
const folders = [".github", "docs", "packages", "examples", "bench"];
const notOurs = /(?:^|\/)(?:node_modules|\.cache|\.vitepress|dist|results|reference\/api)\/|\.api\.md$/;

/**
 * The markdown files of the project, by their paths from its root.
 *
 * @returns {string[]}
 */
export function documents() {
  const inFolders = folders.flatMap((folder) =>
    readdirSync(`${root}${folder}`, { recursive: true, encoding: "utf8" }).map((path) => `${folder}/${path}`),
  );
  return [...readdirSync(root), ...inFolders]
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => path.endsWith(".md") && !notOurs.test(path))
    .sort();
}
