// Echoes messages in an Express app, for clients in another process, and counts garbage collections:
// node external-memory.mjs BYTES MESSAGES. Prints JSON.
import { fork } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { constants, PerformanceObserver } from "node:perf_hooks";
import { fileURLToPath } from "node:url";

const [bytes, messages, port] = process.argv.slice(2).map(Number);
const clients = 32;
if (port) await load();
else await serve();

async function serve() {
  const { spryWs } = await import("@spry-ws/express");
  const { default: express } = await import("express");
  const app = express();
  app.use(spryWs());
  app.ws("/", { message: (peer, message) => void peer.send(message) });
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");

  const counts = new Map();
  const count = (entries) => {
    for (const { detail } of entries) counts.set(detail.kind, (counts.get(detail.kind) ?? 0) + 1);
  };
  const observer = new PerformanceObserver((list) => count(list.getEntries()));
  observer.observe({ entryTypes: ["gc"] });
  const child = fork(fileURLToPath(import.meta.url), [bytes, messages, server.address().port].map(String));
  const [echoed] = await once(child, "message");
  count(observer.takeRecords());
  const scavenges = counts.get(constants.NODE_PERFORMANCE_GC_MINOR) ?? 0;
  const fullCollections = counts.get(constants.NODE_PERFORMANCE_GC_MAJOR) ?? 0;
  console.log(JSON.stringify({ echoed, scavenges, fullCollections }));
  process.exit();
}

/** Each client has one message in flight until all have been sent. */
async function load() {
  const header = Buffer.alloc(bytes < 65_536 ? 8 : 14);
  header.set([0x82, bytes < 65_536 ? 0xfe : 0xff]);
  if (bytes < 65_536) header.writeUInt16BE(bytes, 2);
  else header.writeUInt32BE(bytes, 6);
  const frame = Buffer.concat([header, Buffer.alloc(bytes, "a")]);
  let sent = 0;
  let echoed = 0;
  const run = async () => {
    const socket = connect(port, "127.0.0.1");
    socket.write(
      "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    );
    await once(socket, "data");
    let received = 0;
    await new Promise((resolve) => {
      const next = () => {
        if (sent++ < messages) socket.write(frame);
        else resolve();
      };
      socket.on("data", (chunk) => {
        received += chunk.length;
        if (received < frame.length - 4) return;
        received = 0;
        echoed++;
        next();
      });
      next();
    });
  };
  await Promise.all(Array.from({ length: clients }, run));
  process.send(echoed);
  process.disconnect();
}
