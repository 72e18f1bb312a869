// One trial: a fresh server process, a fresh load process, one scene.
import { fileURLToPath } from "node:url";
import { lastLine, start, stop } from "./children.mjs";
import { countWithin } from "./laps.mjs";
import { cores, pinned } from "./machine.mjs";

const SERVER_START_MS = 15_000;
const TRIAL_MS = 120_000;

const pathOf = (file) => fileURLToPath(new URL(file, import.meta.url));

const serverEnv = {
  ...process.env,
  NODE_ENV: "production",
  // Nobody's unmasking is native, wherever the package comes from.
  WS_NO_BUFFER_UTIL: "1",
};

/**
 * @param {object} order
 * @param {import("./scenes/index.mjs").Scene} order.scene
 * @param {import("./contestants.mjs").Contestant} order.contestant
 * @param {boolean} order.quick
 * @param {object} [order.parameters]
 * @param {boolean} [order.isPreparation] runs the scene's `prepare`
 * @returns {Promise<{ result: Record<string, any> } | { error: string }>} never rejects
 */
export async function runTrial({ scene, contestant, ...order }) {
  const servers = Array.from({ length: scene.processes ?? 1 }, () => startServer(scene, contestant));
  const [server] = servers;
  const load = start(...pinned("load", process.execPath, [pathOf("load/main.mjs")]));
  let outcome;
  try {
    const started = servers.map((one) => answerOf(one, SERVER_START_MS, "the server did not start"));
    const [{ port }, far] = await Promise.all(started);
    relay(load, server);
    const { wire } = contestant;
    const pids = servers.map(({ pid }) => pid);
    load.send({ ...order, scene: scene.name, wire, port, farPort: far?.port, pids, cores });
    outcome = await answerOf(load, TRIAL_MS, "it did not end");
    if (outcome.laps?.length > 0) outcome.result.fullCollections = await collections(servers, outcome.laps);
  } catch (error) {
    outcome = { error: error.message };
  }
  await Promise.all([load, ...servers].map(stop));
  // A server that crashes is more telling than the connections it loses.
  return outcome.error ? { error: lastLine(server.errors) ?? outcome.error } : outcome;
}

function startServer(scene, { name, server = name, command = process.execPath, serverArgs = [] }) {
  const program = [pathOf(`servers/${server}.mjs`), "0", ...(scene.serverArgs ?? []), ...serverArgs];
  const args = name === "bun" ? program : ["--expose-gc", ...program];
  return start(...pinned("server", command, args), { env: serverEnv });
}

/** The load asks for the server's heap, and only this process can talk to both. */
function relay(load, server) {
  load.on("message", (message) => {
    if (message.ask) server.send(message);
  });
  server.on("message", (message) => {
    if (message.heapBytes !== undefined) load.send(message);
  });
}

/** How often the servers collected their whole heaps while it was measured; undefined where they cannot know. */
async function collections(servers, laps) {
  let sum = 0;
  for (const server of servers) {
    const answer = answerOf(server, SERVER_START_MS, "the server did not answer");
    server.send({ ask: "collections" });
    const { fullCollections } = await answer;
    if (!fullCollections) return undefined;
    sum += countWithin(laps, fullCollections);
  }
  return sum;
}

/** A child's first message that is no question. @throws if it ends before, or takes too long */
function answerOf(child, timeoutMs, otherwise) {
  return new Promise((resolve, reject) => {
    const fail = (reason) => reject(new Error(lastLine(child.errors) ?? reason));
    const timer = setTimeout(fail, timeoutMs, `${otherwise} within ${timeoutMs / 1_000} s`);
    child.once("error", () => fail(otherwise));
    child.once("close", () => fail("the process ended"));
    child.on("message", (message) => {
      if (message.ask) return;
      clearTimeout(timer);
      resolve(message);
    });
  });
}
