// The clients of measure.mjs, in a process of their own so that their memory is not counted: raw TCP, told by IPC what to do.
import { once } from "node:events";
import { connect } from "node:net";

const handshake =
  "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
/** A masked, empty close frame with code 1001. */
const closeFrame = Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9]);
const sockets = [];
let received = 0;

process.on("message", async (order) => {
  if (order.open) process.send({ opened: await open(order) });
  if (order.burst) burst(order);
  if (order.count) process.send({ received });
});

async function open({ port, open: count, stalled = 0, answerClose = true }) {
  for (let i = 0; i < count; i++) {
    const socket = connect({ port, host: "127.0.0.1" });
    await once(socket, "connect");
    socket.write(handshake);
    await once(socket, "data");
    socket.on("error", () => {});
    sockets.push(socket);
    if (i < stalled) {
      if (answerClose) socket.pause();
      else socket.on("data", () => {}); // Reads, and never answers a ping or a close frame.
      continue;
    }
    socket.on("data", (data) => {
      received += data.length;
      // The first byte of a close frame, where nothing else is sent.
      if (data[0] === 0x88) socket.end(closeFrame);
    });
  }
  return count;
}

function burst({ burst: count, size }) {
  const head = Buffer.from([0x82, 0xfe, size >> 8, size & 0xff, 0, 0, 0, 0]);
  const frame = Buffer.concat([head, Buffer.alloc(size)]);
  sockets[0].write(Buffer.concat(Array.from({ length: count }, () => frame)));
}
