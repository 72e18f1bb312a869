// Counts what a message costs, and compares it with message-costs.json: `pnpm check:message-costs`; `pnpm message-costs` records it.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { formatTable } from "../report/format.mjs";
import { baselineOf, compareCosts } from "./baseline.mjs";
import { measureCosts } from "./measure.mjs";
import { costScenes } from "./scenes.mjs";

const servers = ["spry-http", "spry-express", "spry-fastify", "spry-koa"];
const root = fileURLToPath(new URL("../../..", import.meta.url));
const file = new URL("../../message-costs.json", import.meta.url);

const { values } = parseArgs({ options: { update: { type: "boolean", default: false } } });
const version = process.versions.node;
const [major] = version.split(".");

const measured = [];
for (const scene of costScenes) {
  const rows = [];
  for (const server of servers) {
    const costs = await measureCosts(server, scene);
    measured.push({ scene: scene.name, server, costs });
    rows.push([
      server,
      costs.heapBytes.toFixed(0),
      costs.arrayBufferBytes.toFixed(1),
      costs.writes.toFixed(2),
    ]);
  }
  console.log(`\n${scene.name}: ${scene.of}\n`);
  console.log(formatTable([["", "bytes on the heap", "of ArrayBuffers", "writes"], ...rows]));
}

const baselines = JSON.parse(readFileSync(file, "utf8"));
if (values.update) {
  baselines[major] = baselineOf(measured, version, recordedAt());
  writeFileSync(file, `${JSON.stringify(baselines, undefined, 2)}\n`);
  console.log(`\nrecorded for Node ${major} in bench/message-costs.json`);
} else if (baselines[major]) report(compareCosts(baselines[major], measured), baselines[major]);
else
  console.log(
    `\nNode ${major} has no baseline: nothing is compared. \`pnpm message-costs\` on it records one.`,
  );
process.exit();

/** @param {ReturnType<typeof compareCosts>} comparison */
function report({ more, less }, { commit, node }) {
  console.log(`\ncompared with commit ${commit}, Node ${node}`);
  for (const line of more) console.error(`Error: costs more: ${line}`);
  for (const line of less) console.log(`costs less: ${line}`);
  if (less.length > 0) console.log("It costs less: `pnpm message-costs` records it, so that it stays so.");
  if (more.length > 0) {
    console.error("If that has to be, `pnpm message-costs` records it; commit bench/message-costs.json.");
    process.exitCode = 1;
  } else console.log(`${measured.length} passed`);
}

/** The packages as they are: those of a commit, or what came after one. */
function recordedAt() {
  const commit = git("rev-parse", "--short", "HEAD");
  return git("status", "--porcelain", "packages") === "" ? commit : `${commit} with changes`;
}

function git(...args) {
  return execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();
}
