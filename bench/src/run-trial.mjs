// One trial: a fresh server process, a fresh load process, one scene.
import { fileURLToPath } from "node:url";
import { lastLine, start, stop } from "./children.mjs";
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
  const server = startServer(scene, contestant);
  const far = scene.processes === 2 ? startServer(scene, contestant) : undefined;
  const load = start(...pinned("load", process.execPath, [pathOf("load/main.mjs")]));
  let outcome;
  try {
    const { port } = await answerOf(server, SERVER_START_MS, "the server did not start");
    const other = far && (await answerOf(far, SERVER_START_MS, "the second server did not start"));
    relay(load, server);
    const { wire } = contestant;
    const pids = [server, ...(far ? [far] : [])].map(({ pid }) => pid);
    load.send({ ...order, scene: scene.name, wire, port, farPort: other?.port, pids, cores });
    outcome = await answerOf(load, TRIAL_MS, "it did not end");
  } catch (error) {
    outcome = { error: error.message };
  }
  await Promise.all([stop(load), stop(server), far && stop(far)]);
  // A server that crashes is more telling than the connections it loses.
  return outcome.error ? { error: lastLine(server.errors) ?? outcome.error } : outcome;
}

function startServer(scene, { name, server = name, command, serverArgs = [] }) {
  const program = [pathOf(`servers/${server}.mjs`), "0", ...(scene.serverArgs ?? []), ...serverArgs];
  const args = command ? program : ["--expose-gc", ...program];
  return start(...pinned("server", command ?? process.execPath, args), { env: serverEnv });
}

/** The load asks for the server's heap, and only this process can talk to both. */
function relay(load, server) {
  load.on("message", (message) => {
    if (message.ask) server.send(message);
  });
  server.on("message", (message) => load.send(message));
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
