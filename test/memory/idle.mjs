// What an idle connection keeps on the heap: node --expose-gc idle.mjs ADAPTER [OPTIONS]. Prints the bytes of each round, as JSON. The clients are
// in a process of their own.
import { fork } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { adapters } from "./adapters.mjs";

const roundSize = 1_000;
const rounds = 3;
const program = fileURLToPath(import.meta.url);
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
