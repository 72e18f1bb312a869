/**
 * @typedef {object} Exception a test of the shared suite that does not pass on a runtime
 * @property {string} runtime
 * @property {string} test its name, behind the name of the adapter
 * @property {readonly string[]} [adapters] those it concerns; all where it is not there
 * @property {string} reason for the table: what is different for a user
 */

/** @type {readonly Exception[]} */
export const exceptions = [
  {
    runtime: "Deno",
    adapters: ["fastify 5"],
    test: "strange targets (A3) > gives an absolute-form target its own host, or an answer of the framework's",
    reason:
      "Fastify's router calls `URL.parse` in a way that Deno refuses, so a target in absolute form, which only proxies send, is answered with 500 instead of 404.",
  },
  {
    runtime: "Deno",
    test: "heartbeat > where the socket is paused for a hook that waits for drained() > terminates a peer that reads nothing",
    reason:
      "Deno does not tell how much of a write the other side has taken, so a peer that reads nothing is found only when the server reads from it again. What waits for it is bounded as ever.",
  },
  {
    runtime: "Bun",
    adapters: ["express 5", "fastify 5", "node:http"],
    test: "refusing what cannot become a WebSocket, before any hook (C7, A3) > serves a GET with Upgrade: h2c as plain HTTP, with keep-alive",
    reason:
      "Bun's server takes no connection back that it has given out. A request that asks for another protocol, as with `Upgrade: h2c`, is answered, and the connection then closed.",
  },
  {
    runtime: "Bun",
    test: "no client takes the process down > serves a dozen pipelined requests for another protocol in order, and leaves no listener behind",
    reason: "The same: what is pipelined behind such a request is not answered.",
  },
  {
    runtime: "Bun",
    adapters: ["fastify 5"],
    test: "refusing what cannot become a WebSocket, before any hook (C7, A3) > refuses the target *",
    reason:
      "Bun refuses the target `*` itself, with 400 as it should be; Fastify's answer to that has no `Connection: close`, but the connection is closed.",
  },
  {
    runtime: "Bun",
    test: "header values beyond ASCII > are sent as one byte each: on the 101",
    reason: "Bun writes the 101 itself, and header values beyond ASCII as UTF-8.",
  },
  {
    runtime: "Bun",
    test: "the connection of a plain request > goes on behind the 426 otherwise: HTTP/1.0 with Connection: keep-alive",
    reason: "Bun ends the connection of every HTTP/1.0 client with its answer.",
  },
  {
    runtime: "Bun",
    test: "what a client sends is bounded > stops reading while 10,000 messages wait for a slow hook, and handles all in order (B4)",
    reason:
      "Bun reads 512 KiB at once where Node reads 64 KiB: so much may wait for a slow hook above `maxQueuedMessages` before the reading stops.",
  },
  {
    runtime: "Bun",
    test: "heartbeat > where the socket is paused for a hook that waits for drained() > terminates a peer that reads nothing",
    reason: "The same as with Deno.",
  },
  {
    runtime: "Bun",
    test: "heartbeat > takes any byte for a sign of life, and pings nobody who sends",
    reason:
      "Bun does not count the bytes of a WebSocket, so only the answers to pings are signs of life. Every client answers them by itself.",
  },
];

/** Whether an exception is meant for a test. */
export function concerns(exception, runtime, adapter, test) {
  return (
    exception.runtime === runtime &&
    exception.test === test &&
    (exception.adapters === undefined || exception.adapters.includes(adapter))
  );
}
