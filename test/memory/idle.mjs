// What an idle connection keeps on the heap: node --expose-gc idle.mjs ADAPTER [OPTIONS]. Prints the bytes of each round, as JSON. The clients are
// in a process of their own.
import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";

const roundSize = 1_000;
const rounds = 3;
const program = fileURLToPath(import.meta.url);
const hooks = { open() {}, message: (peer, message) => void peer.send(message) };

/** @type {Record<string, (options: object) => Promise<import("node:http").Server>>} */
const adapters = {
  async http(options) {
    const { createSpryWs } = await import("@spry-ws/core");
    const spry = createSpryWs(options);
    const server = createServer(spry.handler(hooks));
    spry.attach(server);
    return server.listen(0, "127.0.0.1");
  },
  async express(options) {
    const { spryWs } = await import("@spry-ws/express");
    const { default: express } = await import("express");
    const app = express();
    app.use(spryWs(options));
    app.ws("/:room", hooks);
    return app.listen(0, "127.0.0.1");
  },
  async koa(options) {
    const { spryWs, ws } = await import("@spry-ws/koa");
    const { default: Koa } = await import("koa");
    const { default: Router } = await import("@koa/router");
    const spry = spryWs(options);
    const router = new Router();
    router.get("/:room", ws(hooks));
    const server = new Koa().use(spry).use(router.routes()).listen(0, "127.0.0.1");
    spry.attach(server);
    return server;
  },
  async fastify(options) {
    const { spryWs } = await import("@spry-ws/fastify");
    const { default: fastify } = await import("fastify");
    const app = fastify();
    await app.register(spryWs, options);
    app.ws("/:room", hooks);
    await app.listen({ port: 0, host: "127.0.0.1" });
    return app.server;
  },
};

const [adapter, given, port] = process.argv.slice(2);
if (port) await load(Number(port));
else await serve(adapter, JSON.parse(given ?? "{}"));

async function serve(name, options) {
  const server = await adapters[name]({ heartbeat: false, ...options });
  if (!server.listening) await once(server, "listening");
  const clients = fork(program, [name, "{}", String(server.address().port)], { execArgv: [] });
  const open = async (count) => {
    clients.send(count);
    await once(clients, "message");
  };
  // What the first connections cost is the code that runs for them.
  await open(roundSize);
  const bytes = [];
  let before = await heapUsed();
  for (let round = 0; round < rounds; round++) {
    await open(roundSize);
    const after = await heapUsed();
    bytes.push(Math.round((after - before) / roundSize));
    before = after;
  }
  console.log(JSON.stringify(bytes));
  process.exit();
}

/** Finalizers of one collection make garbage for the next. */
async function heapUsed() {
  for (let i = 0; i < 4; i++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return process.memoryUsage().heapUsed;
}

/** Opens as many connections as the parent asks for, and leaves them alone. */
async function load(port) {
  const open = async () => {
    const socket = connect(port, "127.0.0.1");
    socket.write(
      "GET /idle HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    );
    const [answer] = await once(socket, "data");
    if (!String(answer).startsWith("HTTP/1.1 101 ")) throw new Error(String(answer));
    socket.on("error", () => {}).resume();
  };
  process.on("message", async (count) => {
    for (let i = 0; i < count; i += 50) await Promise.all(Array.from({ length: 50 }, open));
    process.send(count);
  });
  process.on("disconnect", () => process.exit());
}
