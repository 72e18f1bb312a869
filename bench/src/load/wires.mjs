// What a message looks like on the way to a contestant and back.
import { decodeFrame, encodeFrame } from "./frames.mjs";

/**
 * @typedef {object} Wire
 * @property {(client: import("./client.mjs").Client, path: string, extensions?: string) => Promise<string>} open goes through the
 *   handshake; gives the server's answer
 * @property {(data: string | Buffer) => Buffer} message what a client sends
 * @property {(data: string | Buffer) => Buffer} reply what the server sends for the same data
 */

// The example of RFC 6455 section 1.3.
const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

async function upgrade(client, path, extensions) {
  const offer = extensions ? `Sec-WebSocket-Extensions: ${extensions}\r\n` : "";
  client.write(
    `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n${offer}\r\n`,
  );
  const answer = await client.read((bytes) => {
    const end = bytes.indexOf("\r\n\r\n");
    return end < 0 ? undefined : { value: bytes.toString("latin1", 0, end), size: end + 4 };
  });
  if (!answer.startsWith("HTTP/1.1 101 ")) throw new Error(`refused: ${answer.split("\r\n", 1)[0]}`);
  if (!answer.includes(ACCEPT)) throw new Error("wrong Sec-WebSocket-Accept");
  return answer;
}

/** @type {Wire} */
const websocket = {
  open: upgrade,
  message: (data) => encodeFrame(data, true),
  reply: (data) => encodeFrame(data, false),
};

/**
 * Packets of Engine.IO 4 that carry packets of Socket.IO 5 (https://socket.io/docs/v4/socket-io-protocol/): the event `m` with one
 * argument. Bytes go into a frame of their own.
 */
const socketIoEvent = (data, masked) =>
  typeof data === "string"
    ? encodeFrame(`42${JSON.stringify(["m", data])}`, masked)
    : Buffer.concat([
        encodeFrame(`451-${JSON.stringify(["m", { _placeholder: true, num: 0 }])}`, masked),
        encodeFrame(data, masked),
      ]);

/** @type {Wire} */
const socketIo = {
  async open(client, path) {
    const query = `EIO=4&transport=websocket&path=${encodeURIComponent(path)}`;
    const answer = await upgrade(client, `/socket.io/?${query}`);
    await expectPacket(client, "0{");
    client.write(encodeFrame("40", true));
    await expectPacket(client, "40{");
    return answer;
  },
  message: (data) => socketIoEvent(data, true),
  reply: (data) => socketIoEvent(data, false),
};

async function expectPacket(client, start) {
  const packet = await client.read((bytes) => {
    const frame = decodeFrame(bytes);
    return frame && { value: frame.payload.toString(), size: frame.size };
  });
  if (!packet.startsWith(start)) throw new Error(`unexpected packet: ${packet.slice(0, 80)}`);
}

/** Bytes that come back as they were sent. @type {Wire} */
const raw = {
  async open(client, path) {
    client.write(`${path}\n`);
    await client.expect(Buffer.from("ready\n"), "the answer to the path");
    return "";
  },
  message: (data) => encodeFrame(data, true),
  reply: (data) => encodeFrame(data, true),
};

/** @type {Record<string, Wire>} */
export const wires = { websocket, "socket.io": socketIo, raw };
