// The counts of one scene in one framework, in a server process of its own.
import { fileURLToPath } from "node:url";
import { lastLine, start, stop } from "../children.mjs";
import { Trial } from "../load/trial.mjs";

/** The first ones make the server warm. */
const WARM_UP_ROUNDS = 2;
const ROUNDS = 6;
const ANSWER_MS = 60_000;

/**
 * No collection during a round: what is allocated is what the heap has grown by. No compiler beside the program: it optimises after
 * the same number of calls, however busy the machine is. Maglev, the middle one of its compilers, does not keep to that.
 */
const flags = [
  "--expose-gc",
  "--min-semi-space-size=128",
  "--max-semi-space-size=128",
  "--single-threaded",
  "--no-flush-bytecode",
  "--no-maglev",
];

const pathOf = (file) => fileURLToPath(new URL(file, import.meta.url));

/** @typedef {{ heapBytes: number, arrayBufferBytes: number, writes: number }} Costs for one message */

/**
 * @param {string} server a program of ../servers
 * @param {import("./scenes.mjs").CostScene} scene
 * @returns {Promise<Costs>} the least of several rounds, of each
 */
export async function measureCosts(server, scene) {
  const program = pathOf(`../servers/${server}.mjs`);
  const child = start(
    process.execPath,
    [...flags, "--import", pathOf("count.mjs"), program, "0", ...(scene.serverArgs ?? [])],
    { env: { ...process.env, NODE_ENV: "production", WS_NO_BUFFER_UTIL: "1" } },
  );
  try {
    const { port } = await next(child);
    const trial = new Trial({ port, pids: [child.pid], wire: "websocket", quick: true });
    return await Promise.race([rounds(child, trial, scene), trial.lost]);
  } finally {
    await stop(child);
  }
}

async function rounds(child, trial, scene) {
  const work = await scene.prepare(trial);
  for (let i = 0; i < WARM_UP_ROUNDS; i++) await work();
  const all = [];
  for (let i = 0; i < ROUNDS; i++) {
    const before = await ask(child, "counts after a collection");
    await work();
    const after = await ask(child, "counts");
    // A collection has taken away what was to be counted.
    if (after.collections > before.collections) continue;
    all.push((key) => (after[key] - before[key]) / scene.messages);
  }
  if (all.length === 0) throw new Error("V8 collected in each round");
  const least = (key) => Math.min(...all.map((costOf) => costOf(key)));
  return Object.fromEntries(["heapBytes", "arrayBufferBytes", "writes"].map((key) => [key, least(key)]));
}

async function ask(child, what) {
  const answer = next(child);
  child.send({ ask: what });
  return (await answer).counts;
}

/** A child's next message. @throws if it ends before, or takes too long */
function next(child) {
  return new Promise((resolve, reject) => {
    const fail = (why) => reject(new Error(lastLine(child.errors) ?? why));
    const timer = setTimeout(fail, ANSWER_MS, "the server did not answer");
    const ended = () => fail("the server ended");
    child.once("close", ended);
    child.once("message", (message) => {
      clearTimeout(timer);
      child.off("close", ended);
      resolve(message);
    });
  });
}
