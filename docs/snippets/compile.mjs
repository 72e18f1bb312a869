import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./documents.mjs";
import { groupOf, groups } from "./groups.mjs";

/**
 * @typedef {object} Module
 * @property {string} document
 * @property {import("./markdown.mjs").Block[]} blocks one, and those that continue it
 */

const output = join(root, "docs/.cache/snippets");
const compiler = join(root, "node_modules/typescript/bin/tsc");

/**
 * Type-checks modules, one program for each group.
 *
 * @param {Module[]} modules
 * @returns {string[]} what is wrong, with the place in the markdown
 */
export function compile(modules) {
  rmSync(output, { recursive: true, force: true });
  const used = new Set(modules.map(write));
  return [...used].flatMap(check);
}

/** Writes a module so that each line has the number it has in the markdown, and returns its group. */
function write({ document, blocks }) {
  const [{ language, line }] = blocks;
  const lines = [];
  for (const block of blocks) {
    while (lines.length < block.line - 1) lines.push("");
    lines.push(...block.code);
  }
  const text = `${lines.join("\n")}\n`;
  const group = groupOf(language, text);
  const file = join(output, group, `${document}.${line}.${language}`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return group;
}

/** @param {keyof typeof groups} group */
function check(group) {
  const folder = join(output, group);
  const { ambient, compilerOptions } = groups[group];
  const names = ["common", ...(ambient ? [ambient] : [])].map(
    (name) => `../../../snippets/ambient/${name}.d.ts`,
  );
  const isBrowser = group === "browser";
  const config = {
    extends: "../../../../tsconfig.base.json",
    compilerOptions: {
      noEmit: true,
      composite: false,
      declaration: false,
      declarationMap: false,
      sourceMap: false,
      isolatedDeclarations: false,
      // Types of other people's packages are not for us to check.
      skipLibCheck: true,
      moduleDetection: "force",
      // The sources of the packages are among what is compiled, and are CommonJS.
      verbatimModuleSyntax: false,
      ...(isBrowser && { lib: ["es2023", "dom"], types: [], allowJs: true, checkJs: true }),
      ...compilerOptions,
    },
    files: isBrowser ? [] : names,
    include: ["**/*.ts", "**/*.js"],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [compiler, "-p", folder, "--pretty", "false"],
    {
      cwd: folder,
      encoding: "utf8",
    },
  );
  if (status === 0) return [];
  // `README.md.12.ts(14,3): error …` is line 14 of README.md.
  return `${stdout}${stderr}`
    .trim()
    .split("\n")
    .map((line) => line.replace(/^(\S+\.md)\.\d+\.(?:ts|js)\((\d+),(\d+)\)/, "$1:$2:$3"));
}
