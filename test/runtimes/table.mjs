// Writes docs/reference/compatibility.md from what was run.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { root } from "../packed/pack.mjs";

const target = join(root, "docs/reference/compatibility.md");
const begin = "<!-- written by pnpm test:runtimes -->";
const end = "<!-- end -->";

/**
 * @param {readonly { runtime: import("./runtimes.mjs").Runtime, results: import("./suite.mjs").AdapterResult[] }[]} runs
 * @returns {boolean} whether the page has changed
 */
export function writeTable(runs) {
  const text = readFileSync(target, "utf8");
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (after === undefined) throw new Error(`${target} has no "${begin}" with "${end}" behind it`);
  const page = `${before}${begin}\n${render(runs)}\n${end}${after}`;
  if (page === text) return false;
  writeFileSync(target, page);
  return true;
}

function render(runs) {
  const adapters = runs[0]?.results.map(({ adapter }) => adapter) ?? [];
  const lines = [
    `| | ${adapters.map(titleOf).join(" | ")} |`,
    `|---|${"---|".repeat(adapters.length)}`,
    ...runs.map(({ runtime, results }) => {
      const cells = adapters.map((name) => cellOf(results.find(({ adapter }) => adapter === name)));
      return `| ${runtime.name} ${runtime.version} | ${cells.join(" | ")} |`;
    }),
  ];
  const exceptions = new Set(runs.flatMap(({ results }) => results.flatMap(({ excepted }) => excepted)));
  if (exceptions.size > 0) {
    lines.push("", "What does not pass, and what it means:", "", "| runtime | with | |", "|---|---|---|");
    for (const { runtime, adapters: concerned = adapters, reason } of exceptions) {
      const names = concerned.length === adapters.length ? "all" : concerned.map(nameOf).join(", ");
      lines.push(`| ${runtime} | ${names} | ${reason} |`);
    }
  }
  return lines.join("\n");
}

function cellOf(result) {
  if (!result) return "not run";
  const { passed, total } = result;
  return passed === total ? `${total}` : `${passed} of ${total}`;
}

/** `Express 5.3.0`: the version the tests ran with. */
function titleOf(adapter) {
  const [name] = adapter.split(" ");
  const manifest = join(root, "test/node_modules", name, "package.json");
  return existsSync(manifest) ? `${nameOf(name)} ${createRequire(root)(manifest).version}` : `\`${adapter}\``;
}

function nameOf(adapter) {
  const [name] = adapter.split(" ");
  return name.includes(":") ? `\`${name}\`` : `${name[0].toUpperCase()}${name.slice(1)}`;
}
