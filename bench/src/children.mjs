// Child processes, none of which outlives this one.
import { spawn } from "node:child_process";
import { once } from "node:events";

/** @type {Set<import("node:child_process").ChildProcess>} */
const children = new Set();

function killAll() {
  for (const child of children) child.kill("SIGKILL");
}

process.on("exit", killAll);
for (const [signal, number] of Object.entries({ SIGHUP: 1, SIGINT: 2, SIGTERM: 15 })) {
  process.on(signal, () => process.exit(128 + number));
}

/** How much of a child's error output is kept. */
const ERROR_CHARACTERS = 2_000;

/**
 * @param {"ipc" | "ignore"} channel whether messages can be exchanged with it
 * @returns {import("node:child_process").ChildProcess & { errors: string }} `errors`: the end of its standard error
 */
export function start(command, args, { channel = "ipc", env = process.env } = {}) {
  const child = spawn(command, args, { env, stdio: ["ignore", "ignore", "pipe", channel] });
  children.add(child);
  child.errors = "";
  child.stderr.setEncoding("utf8");
  child.stderr.on("data", (text) => {
    child.errors = (child.errors + text).slice(-ERROR_CHARACTERS);
  });
  // `close` comes after the last of its output.
  child.once("close", () => children.delete(child));
  child.once("error", (error) => {
    children.delete(child);
    child.errors += error.message;
  });
  return child;
}

/** @returns {Promise<void>} settles when the child is gone */
export async function stop(child) {
  if (!children.has(child)) return;
  const gone = once(child, "close");
  child.kill("SIGKILL");
  await gone;
}

/** Runs a program to its end. @returns {Promise<string | undefined>} what went wrong; undefined: nothing */
export async function run(command, args) {
  const child = start(command, args, { channel: "ignore" });
  const code = await new Promise((resolve) => {
    child.once("error", () => resolve(-1));
    child.once("close", resolve);
  });
  return code === 0 ? undefined : (lastLine(child.errors) ?? `exit code ${code}`);
}

/** @returns {string | undefined} the most telling line of an error output */
export function lastLine(errors) {
  const lines = errors.split("\n").filter((line) => line.trim() !== "");
  return (lines.find((line) => /^\s*\w*Error\b/.test(line)) ?? lines.at(-1))?.trim();
}
