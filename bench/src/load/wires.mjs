// What a message looks like on the way to a contestant and back.
import { randomBytes } from "node:crypto";
import { decodeFrame, encodeFrame } from "./frames.mjs";

/**
 * @typedef {object} Wire
 * @property {(client: import("./client.mjs").Client, path: string, extensions?: string) => Promise<string>} open goes through the
 *   handshake; gives the server's answer
 * @property {(data: string | Buffer) => Buffer} message what a client sends
 * @property {(data: string | Buffer) => Buffer} reply what the server sends for the same data
 * @property {import("./requests.mjs").Numbered} [requests] where a request and its answer are no messages like others
 */

// The example of RFC 6455 section 1.3.
const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

export async function upgrade(client, path, extensions, protocol) {
  const offer =
    (extensions ? `Sec-WebSocket-Extensions: ${extensions}\r\n` : "") +
    (protocol ? `Sec-WebSocket-Protocol: ${protocol}\r\n` : "");
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
  requests: {
    request: (n, text) => `42${n}${JSON.stringify(["q", text])}`,
    answer: (n, text) => `43${n}${JSON.stringify([text])}`,
  },
};

/**
 * docs/reference/protocol.md: a subscriber says so in its hello, a publisher sends an event that the service publishes, under the one topic
 * of the scenes that use it.
 *
 * @type {Wire}
 */
const spryV1 = {
  async open(client, path) {
    const [, role, name] = path.split("/");
    const topics = role === "topic" ? [[`topics/${name}`]] : [];
    const answer = await upgrade(client, path, undefined, "spry.v1");
    const clientId = randomBytes(16).toString("hex");
    client.write(encodeFrame(JSON.stringify(["h", clientId, topics]), true));
    await expectPacket(client, '["h",');
    for (const [topic] of topics) await expectPacket(client, JSON.stringify(["s", topic, "live"]));
    return answer;
  },
  message: (data) => encodeFrame(JSON.stringify(["e", "publish", data]), true),
  reply: (data) => encodeFrame(JSON.stringify(["m", "topics/feed", null, data]), false),
  requests: {
    request: (n, text) => JSON.stringify(["q", n, "echo", text]),
    answer: (n, text) => JSON.stringify(["r", n, text]),
    confirm: (n) => JSON.stringify(["a", n]),
  },
};

/** JSON-RPC, as tRPC's wsLink writes it. @type {Wire} */
const trpc = {
  open: upgrade,
  message: (data) => encodeFrame(data, true),
  reply: (data) => encodeFrame(data, false),
  requests: {
    request: (id, input) =>
      JSON.stringify({ id, jsonrpc: "2.0", method: "mutation", params: { path: "echo", input } }),
    answer: (id, data) => JSON.stringify({ id, jsonrpc: "2.0", result: { type: "data", data } }),
  },
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
export const wires = { websocket, "spry.v1": spryV1, "socket.io": socketIo, trpc, raw };
