// Whether secrets of a handshake outlive its connection: node --expose-gc secrets.mjs ADAPTER. Prints which are on the heap while it is open, and
// which after its end, as JSON.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { getHeapSnapshot } from "node:v8";
import { adapters } from "./adapters.mjs";

const server = await adapters[process.argv[2]]({ heartbeat: false });
if (!server.listening) await once(server, "listening");

/** Bytes, not strings: what is to be looked for must not be on the heap by itself. */
const secrets = new Map(
  [
    "Cookie: session=",
    "Authorization: Bearer ",
    "X-Api-Key: ",
    "Sec-WebSocket-Protocol: bearer.",
    "X-Origin: ",
  ].map((header) => [header, Buffer.from(randomBytes(16).toString("hex"))]),
);

const socket = connect(server.address().port, "127.0.0.1");
socket.write(
  "GET /lobby HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
);
for (const [header, secret] of secrets) {
  socket.write(header);
  socket.write(secret);
  socket.write("\r\n");
}
socket.write("\r\n");
await once(socket, "data");
const open = await found();
socket.destroy();
await once(socket, "close");
console.log(JSON.stringify({ open, closed: await found() }));
process.exit();

async function found() {
  for (let i = 0; i < 4; i++) {
    globalThis.gc();
    await sleep(50);
  }
  const chunks = [];
  for await (const chunk of getHeapSnapshot()) chunks.push(Buffer.from(chunk));
  const snapshot = Buffer.concat(chunks);
  return [...secrets]
    .filter(([, secret]) => snapshot.includes(secret))
    .map(([header]) => header.split(":")[0]);
}
