// What all servers share: `node servers/<name>.mjs [port] [--deflate | --deflate-no-takeover]` listens on 127.0.0.1 and offers
//   /echo            each message goes back to its sender
//   /request         each request is answered with its argument, where there are requests
//   /topic/:name     subscribes to the topic
//   /publish/:name   each message goes to the subscribers of the topic
//   /direct          each message goes to the subscribers of the topic that is its text
//   /room            each message goes to everyone in the room, its sender included
//   /acknowledged    the same, and after it the sender gets ACKNOWLEDGEMENT
//   /topics          everyone is subscribed to three topics; each message goes to the subscribers of `topicOf` its text, its sender included
//   /news            not a WebSocket: a GET publishes NEWS to the room, and is answered with 204
//   /idle            nothing is sent

import { constants, PerformanceObserver } from "node:perf_hooks";

const args = process.argv.slice(2);

/** 0: the system chooses. */
export const port = Number(args.find((arg) => /^\d+$/.test(arg)) ?? 0);

export { ACKNOWLEDGEMENT, NEWS } from "../texts.mjs";

/** The topics of everyone at `/topics`. */
export const threeTopics = ["topic 0", "topic 1", "topic 2"];
export const topicOf = (text) => `topic ${text[0]}`;

export const host = "127.0.0.1";

/** The option `perMessageDeflate` in the form of `ws`: false, true, or without context takeover. */
export const deflate = args.includes("--deflate-no-takeover")
  ? { serverNoContextTakeover: true }
  : args.includes("--deflate");

/** @returns {[role: string, name: string]} what the contract calls the parts of a path */
export function parsePath(url) {
  const [, role, name = ""] = url.split("/");
  return [role, name];
}

/** The path of a role as a route of a framework. */
export function routeOf(role) {
  return role === "topic" || role === "publish" ? `/${role}/:name` : `/${role}`;
}

/** Tells the benchmark, or whoever started the server by hand, the port. */
export function announce(actualPort) {
  if (process.send) process.send({ port: actualPort });
  else console.log(`ws://${host}:${actualPort}`);
}

/** Starts a server of node:http, or of a framework that made one. */
export function listen(server) {
  server.listen(port, host, () => announce(server.address().port));
}

const isBun = "Bun" in globalThis;

/** When V8 collected the whole heap, in milliseconds since 1970. */
const fullCollections = [];
if (!isBun) {
  new PerformanceObserver((list) => {
    for (const { detail, startTime } of list.getEntries()) {
      if (detail.kind !== constants.NODE_PERFORMANCE_GC_MAJOR) continue;
      fullCollections.push(performance.timeOrigin + startTime);
    }
  }).observe({ entryTypes: ["gc"] });
}

process.on("message", async ({ ask }) => {
  if (ask === "collections") process.send({ fullCollections: isBun ? undefined : fullCollections });
  if (ask === "heap") process.send({ heapBytes: await heapBytes() });
});

async function heapBytes() {
  // Finalizers of the first collection make garbage of the next.
  for (let i = 0; i < 4; i++) {
    if (isBun) globalThis.Bun.gc(true);
    else globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return process.memoryUsage().heapUsed;
}

// No server outlives the benchmark, however that ended.
if (process.send) process.on("disconnect", () => process.exit());
