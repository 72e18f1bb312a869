// Who takes part.

/**
 * @typedef {object} Contestant
 * @property {string} name as in `--contestants`; the server program is servers/<name>.mjs
 * @property {string} label as in the tables
 * @property {"websocket" | "spry.v1" | "socket.io" | "trpc" | "raw"} wire see load/wires.mjs
 * @property {string} [group] the framework, which `--contestants` takes for all of its contestants
 * @property {string} [package] whose version is shown
 * @property {string} [server] the server program where it is another contestant's
 * @property {string[]} [serverArgs]
 * @property {string} [command] what runs the server, if not the Node of this process
 * @property {string} [node] the version of Node it runs on, in a run with several
 * @property {string} [version]
 * @property {string} [unavailable] why it cannot run here
 */

const frameworks = { express: "Express", fastify: "Fastify", koa: "Koa" };

/** The same in each framework. @returns {Contestant[]} */
const inFrameworks = (contestantOf) =>
  Object.entries(frameworks).map(([group, title]) => ({
    group,
    wire: "websocket",
    package: `@spry-ws/${group}`,
    server: `spry-${group}`,
    ...contestantOf(group, title),
  }));

const nodePackage = (name, label = name) => ({ name, label, wire: "websocket", package: label });

/** @type {Contestant[]} */
const ours = [
  { name: "spry-http", label: "spry-ws, node:http", wire: "websocket", package: "@spry-ws/core" },
  ...inFrameworks((group, title) => ({ name: `spry-${group}`, label: `spry-ws, ${title}` })),
];

/** @type {Contestant[]} a service, with the protocol spry.v1 */
const ourServices = [
  { name: "spry-service", label: "spry-ws, service", server: "spry-http", package: "@spry-ws/service" },
  ...inFrameworks((group, title) => ({
    name: `spry-service-${group}`,
    label: `spry-ws, service, ${title}`,
  })),
].map((contestant) => ({ ...contestant, wire: "spry.v1", serverArgs: ["--service"] }));

/** @type {Contestant[]} two processes of each, joined by a broker */
const joined = [
  {
    name: "spry-redis",
    label: "spry-ws, Redis",
    wire: "websocket",
    package: "@spry-ws/redis",
    server: "spry-http",
    serverArgs: ["--redis"],
  },
  ...inFrameworks((group, title) => ({
    name: `spry-redis-${group}`,
    label: `spry-ws, Redis, ${title}`,
    serverArgs: ["--redis"],
  })),
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

/** @type {Contestant[]} */
export const contestants = [
  { name: "net", label: "raw net (the limit)", wire: "raw", version: process.version },
  { name: "bun", label: "Bun, native", wire: "websocket" },
  ...ours,
  ...ourServices,
  nodePackage("ws"),
  {
    ...nodePackage("ws"),
    name: "ws-no-takeover",
    label: "ws, no context takeover",
    server: "ws",
    serverArgs: ["--deflate-no-takeover"],
  },
  nodePackage("crossws"),
  { ...nodePackage("fastify-websocket", "@fastify/websocket"), group: "fastify" },
  { ...nodePackage("express-ws"), group: "express" },
  { ...nodePackage("websocket-express"), group: "express" },
  { ...nodePackage("koa-easy-ws"), group: "koa" },
  { ...nodePackage("socket.io"), wire: "socket.io" },
  { name: "trpc", label: "tRPC, wsLink", wire: "trpc", package: "@trpc/server" },
  ...joined,
];

/** With whom everyone is compared, where it takes part. */
export const OURS = "spry-http";

export const services = ourServices.map(({ name }) => name);
export const clusters = joined.map(({ name }) => name);

const special = ["ws-no-takeover", "trpc", ...services, ...clusters];

/** One server process that speaks WebSocket, Socket.IO or, as the limit, nothing. */
export const everyone = contestants.map(({ name }) => name).filter((name) => !special.includes(name));
export const everyoneBut = (...names) => everyone.filter((name) => !names.includes(name));
