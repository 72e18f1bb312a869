// Runs the shared suite on one runtime: vitest itself runs on it, and starts its workers with it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "../packed/pack.mjs";
import { concerns, exceptions } from "./exceptions.mjs";

const files = ["express-5", "fastify-5", "koa-3", "http"].map((name) => `test/${name}.test.ts`);
const timeoutMs = 600_000; // Longer than any run takes: a runtime that hangs is a failure.

/**
 * @typedef {object} AdapterResult
 * @property {string} adapter
 * @property {number} passed
 * @property {number} total
 * @property {string[]} failed tests that failed without being an exception
 * @property {import("./exceptions.mjs").Exception[]} excepted
 * @property {string[]} unneeded exceptions whose tests passed
 */

/**
 * @param {import("./runtimes.mjs").Runtime} runtime
 * @param {string} binary
 * @returns {Promise<AdapterResult[]>}
 */
export async function runSuite(runtime, binary) {
  const report = join(root, `test/.cache/runtimes/${runtime.name.toLowerCase()}-${runtime.version}.json`);
  rmSync(report, { force: true });
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const options = ["--project", "behaviour", "--reporter=json", `--outputFile=${report}`];
  const output = await execute(binary, [...runtime.args, vitest, "run", ...options, ...files]);
  let parsed;
  try {
    parsed = JSON.parse(readFileSync(report, "utf8"));
  } catch (cause) {
    throw new Error(`vitest wrote no report on ${runtime.name} ${runtime.version}:\n${output}`, { cause });
  }
  // A file that could not be loaded has no tests.
  const broken = parsed.testResults.find(({ assertionResults }) => assertionResults.length === 0);
  if (broken) throw new Error(`${broken.name}: ${broken.message}`);
  // In the order of the files, not in the one in which they were done.
  const place = ({ name }) => files.findIndex((file) => name.endsWith(file));
  const results = parsed.testResults.toSorted((one, other) => place(one) - place(other));
  return results.map(({ assertionResults }) => summarize(runtime, assertionResults));
}

/** @returns {AdapterResult} */
function summarize(runtime, tests) {
  const [{ ancestorTitles }] = tests;
  const [adapter] = ancestorTitles;
  const result = { adapter, passed: 0, total: tests.length, failed: [], excepted: [], unneeded: [] };
  for (const { ancestorTitles, title, status } of tests) {
    const name = [...ancestorTitles.slice(1), title].join(" > ");
    const exception = exceptions.find((one) => concerns(one, runtime.name, adapter, name));
    if (status === "passed") result.passed++;
    if (status === "passed" && exception) result.unneeded.push(name);
    else if (exception) result.excepted.push(exception);
    else if (status !== "passed") result.failed.push(name);
  }
  return result;
}

/** What was printed at last. Never rejects: whether the tests passed is in the report. */
async function execute(command, args) {
  const { NODE_OPTIONS: _, ...inherited } = process.env;
  const env = { ...inherited, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };
  const child = spawn(command, args, {
    cwd: root,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: timeoutMs,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data) => {
      output = `${output}${data}`.slice(-5_000);
    });
  }
  child.on("error", (error) => {
    output += error.message;
  });
  await once(child, "close").catch(() => {});
  return output;
}
