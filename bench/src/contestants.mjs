// Who takes part.

/**
 * @typedef {object} Contestant
 * @property {string} name as in `--contestants`; the server program is servers/<name>.mjs
 * @property {string} label as in the tables
 * @property {"websocket" | "spry.v1" | "socket.io" | "trpc" | "raw"} wire see load/wires.mjs
 * @property {string} [package] whose version is shown
 * @property {string} [server] the server program where it is another contestant's
 * @property {string[]} [serverArgs]
 * @property {string} [command] what runs the server; Node if there is none
 * @property {string} [version]
 * @property {string} [unavailable] why it cannot run here
 */

const nodePackage = (name, label = name) => ({ name, label, wire: "websocket", package: label });

/** @type {Contestant[]} */
export const contestants = [
  { name: "net", label: "raw net (the limit)", wire: "raw", version: process.version },
  { name: "bun", label: "Bun, native", wire: "websocket" },
  { name: "spry-http", label: "spry-ws, node:http", wire: "websocket", package: "@spry-ws/core" },
  { name: "spry-express", label: "spry-ws, Express", wire: "websocket", package: "@spry-ws/express" },
  { name: "spry-fastify", label: "spry-ws, Fastify", wire: "websocket", package: "@spry-ws/fastify" },
  { name: "spry-koa", label: "spry-ws, Koa", wire: "websocket", package: "@spry-ws/koa" },
  { name: "spry-service", label: "spry-ws, service", wire: "spry.v1", package: "@spry-ws/service" },
  nodePackage("ws"),
  {
    ...nodePackage("ws"),
    name: "ws-no-takeover",
    label: "ws, no context takeover",
    server: "ws",
    serverArgs: ["--deflate-no-takeover"],
  },
  nodePackage("crossws"),
  nodePackage("fastify-websocket", "@fastify/websocket"),
  nodePackage("express-ws"),
  nodePackage("websocket-express"),
  nodePackage("koa-easy-ws"),
  { ...nodePackage("socket.io"), wire: "socket.io" },
  { name: "trpc", label: "tRPC, wsLink", wire: "trpc", package: "@trpc/server" },
  {
    name: "spry-redis",
    label: "spry-ws, Redis",
    wire: "websocket",
    package: "@spry-ws/redis",
    server: "spry-http",
    serverArgs: ["--redis"],
  },
  {
    name: "spry-nats",
    label: "spry-ws, NATS",
    wire: "websocket",
    package: "@spry-ws/nats",
    server: "spry-http",
    serverArgs: ["--nats"],
  },
  {
    ...nodePackage("crossws"),
    name: "crossws-redis",
    label: "crossws, Redis",
    server: "crossws",
    serverArgs: ["--redis"],
  },
  {
    name: "socket.io-redis",
    label: "Socket.IO, Redis",
    wire: "socket.io",
    package: "@socket.io/redis-adapter",
    server: "socket.io",
    serverArgs: ["--redis"],
  },
];

/** Two processes of each, joined by a broker. */
export const clusters = ["spry-redis", "spry-nats", "crossws-redis", "socket.io-redis"];

/** With whom everyone is compared. */
export const OURS = "spry-http";

const all = contestants.map(({ name }) => name);
const without = (...names) => all.filter((name) => !names.includes(name));

/** For what a framework's package may well change. */
export const everyone = without("ws-no-takeover", "spry-service", "trpc", ...clusters);

/** One contestant for each implementation of what follows the handshake. */
export const engines = ["net", "bun", "spry-http", "ws", "crossws", "socket.io"];

export const whyEngines =
  "Without the frameworks' packages: after the handshake they run the same code as spry-http or ws.";
