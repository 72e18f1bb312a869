// Some of the clients of `pnpm bench:scale`: raw TCP, from a loopback address of their own, that answer pings and close frames.
import { connect } from "node:net";
import { answerWith } from "../asked.mjs";
import { sharedClockMs } from "../laps.mjs";
import { decodeFrame, encodeControl } from "../load/frames.mjs";

const [port, localAddress] = [Number(process.argv[2]), process.argv[3]];

/** Handshakes under way at once, where clients do not come all at once. */
const OPEN_AT_ONCE = 64;

/** How long a client waits that was refused or cut off in its handshake. */
const RETRY_MS = 200;

const opcodes = { close: 0x8, ping: 0x9, pong: 0xa };

const request =
  "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

let messages = 0;
let lastMessageMs = 0;
let isComingBack = false;
let comeBack = 0;
let failures = 0;

/** @returns {Promise<void>} when the handshake is done, however often it takes */
function open() {
  return new Promise((resolve) => {
    const tryOnce = () => {
      let isOpen = false;
      const socket = connect({ port, host: "127.0.0.1", localAddress, noDelay: true });
      socket.on("error", () => {});
      socket.on("close", () => {
        if (!isOpen) {
          failures++;
          return void setTimeout(tryOnce, RETRY_MS);
        }
        if (!isComingBack) return;
        void open().then(() => comeBack++);
      });
      socket.on("data", (bytes) => {
        if (isOpen) return readFrames(socket, bytes);
        isOpen = true;
        resolve();
      });
      socket.write(request);
    };
    tryOnce();
  });
}

/** Frames are so short that none is cut in two. */
function readFrames(socket, bytes) {
  for (let rest = bytes; rest.length > 0; ) {
    const opcode = rest[0] & 0xf;
    const { payload, size } = decodeFrame(rest);
    if (opcode === opcodes.ping) socket.write(encodeControl(opcodes.pong, payload));
    else if (opcode === opcodes.close) socket.end(encodeControl(opcodes.close, payload));
    else {
      messages++;
      lastMessageMs = sharedClockMs();
    }
    rest = rest.subarray(size);
  }
}

answerWith({
  async open({ count }) {
    let next = 0;
    const work = async () => {
      while (next++ < count) await open();
    };
    await Promise.all(Array.from({ length: OPEN_AT_ONCE }, work));
  },
  messages: () => ({ messages, lastMessageMs }),
  /** From now on, who loses the connection comes back at once. */
  comeBack() {
    isComingBack = true;
  },
  back: () => ({ comeBack, failures }),
  stayAway() {
    isComingBack = false;
  },
});
