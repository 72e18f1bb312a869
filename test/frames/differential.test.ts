import { createServer } from "node:http";
import type { Writable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { createSpryWs, type Hooks } from "@spry-ws/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { Deferred } from "../fixtures/deferred.ts";
import { MemorySocket } from "../fixtures/memory-socket.ts";
import { closeFrame, deflate, frame } from "../fixtures/raw.ts";

/** Small, so that frames beyond it are cheap; above 65,535, so that 64-bit lengths occur. */
const maxPayload = 70_000;

/** What a server made of a stream of bytes. */
interface Outcome {
  /** Messages, errors by code, and the close event, in order. */
  readonly events: string[];
  /** What it wrote back: pongs, its close frame. */
  readonly sent: string;
}

/** @param extensions what the client offers, if anything */
async function withBareWs(chunks: readonly Buffer[], extensions?: string): Promise<Outcome> {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload,
    clientTracking: false,
    perMessageDeflate: { serverNoContextTakeover: true, clientNoContextTakeover: true },
  });
  const socket = new MemorySocket();
  const events: string[] = [];
  const closed = new Promise<void>((resolve) => {
    server.handleUpgrade(socket.request(extensions), socket, Buffer.alloc(0), (websocket) =>
      listen(websocket, events, resolve),
    );
  });
  await feed(socket, chunks, closed);
  return { events, sent: socket.sent.toString("hex") };
}

function listen(websocket: WebSocket, events: string[], onClose: () => void): void {
  websocket.on("message", (data: Buffer, isBinary) => events.push(describeMessage(data, !isBinary)));
  websocket.on("error", (error: Error & { code?: string }) => events.push(`error ${error.code}`));
  websocket.on("close", (code, reason) => {
    events.push(`close ${code} ${reason}`);
    onClose();
  });
}

/** What the hooks are called with. */
function withHooks(chunks: readonly Buffer[], extensions?: string): Promise<Outcome> {
  return withSpryWs(chunks, extensions, (events, onClose) => ({
    message: (_peer, message) =>
      void events.push(describeMessage(Buffer.from(message.bytes()), message.isText)),
    error: (_peer, error) => void events.push(`error ${(error as { code?: string }).code}`),
    close(_peer, code, reason) {
      events.push(`close ${code} ${reason}`);
      onClose();
    },
  }));
}

/** What listeners of the peer's WebSocket are called with. */
function withListeners(chunks: readonly Buffer[], extensions?: string): Promise<Outcome> {
  return withSpryWs(chunks, extensions, (events, onClose) => ({
    open: (peer) => listen(peer.websocket, events, onClose),
  }));
}

async function withSpryWs(
  chunks: readonly Buffer[],
  extensions: string | undefined,
  hooksFor: (events: string[], onClose: () => void) => Hooks,
): Promise<Outcome> {
  const socket = new MemorySocket();
  const events: string[] = [];
  const opened = new Deferred();
  const closed = new Promise<void>((resolve) => {
    const spry = createSpryWs({ maxPayload, perMessageDeflate: true });
    const hooks = hooksFor(events, resolve);
    const open: Hooks["open"] = (peer) => {
      opened.resolve();
      return hooks.open?.(peer);
    };
    const server = createServer(spry.handler({ ...hooks, open }));
    spry.attach(server);
    server.emit("upgrade", socket.request(extensions), socket, Buffer.alloc(0));
  });
  await opened.promise;
  await feed(socket, chunks, closed);
  return { events, sent: socket.sent.toString("hex") };
}

/** One chunk after the other, each in a turn of the event loop of its own; then the end of the stream. */
async function feed(socket: MemorySocket, chunks: readonly Buffer[], closed: Promise<void>): Promise<void> {
  const receiver = receiverOf(socket);
  for (const chunk of chunks) {
    // A copy: reading unmasks in place.
    if (!socket.destroyed && !socket.readableEnded) socket.push(Buffer.from(chunk));
    // ws throws where chunks wait behind an error that it finds behind a frame it inflates.
    do await nextTurn();
    while (receiver.writableLength > 0 && !receiver.destroyed);
  }
  if (!socket.destroyed) socket.push(null);
  await closed;
}

/** What reads the frames in `ws`; not by way of the peer, which would make its WebSocket an exposed one. */
function receiverOf(socket: MemorySocket): Writable {
  const key = Object.getOwnPropertySymbols(socket).find(({ description }) => description === "websocket");
  return Reflect.get(Reflect.get(socket, key as symbol), "_receiver");
}

function describeMessage(data: Buffer, isText: boolean): string {
  return `${isText ? "text" : "binary"} ${data.length} ${data.toString("base64")}`;
}

const payload = fc.oneof(
  { weight: 6, arbitrary: fc.uint8Array({ maxLength: 140 }) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(125, 126, 65_535, 65_536, maxPayload)
      .map((size) => new Uint8Array(size).fill(97)),
  },
);
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 140 }),
  fc.string({ unit: "grapheme-ascii", maxLength: 200 }),
);

const validFrames = fc.oneof(
  { weight: 4, arbitrary: text.map((value) => frame(value)) },
  { weight: 4, arbitrary: payload.map((value) => frame(Buffer.from(value), { opcode: 2 })) },
  {
    weight: 2,
    arbitrary: fc.uint8Array({ maxLength: 125 }).map((value) => frame(Buffer.from(value), { opcode: 9 })),
  },
  {
    weight: 1,
    arbitrary: fc.uint8Array({ maxLength: 125 }).map((value) => frame(Buffer.from(value), { opcode: 10 })),
  },
  {
    weight: 2,
    arbitrary: fc
      .array(fc.string({ unit: "grapheme-ascii", maxLength: 20 }), { minLength: 2, maxLength: 5 })
      .map((parts) =>
        Buffer.concat(
          parts.flatMap((part, i) => [
            frame(part, { opcode: i === 0 ? 1 : 0, fin: i === parts.length - 1 }),
            ...(i === 0 ? [frame("between", { opcode: 9 })] : []),
          ]),
        ),
      ),
  },
);

const endings = fc.oneof(
  fc.constant(Buffer.alloc(0)),
  fc.constantFrom(closeFrame(), closeFrame(1000, "bye"), closeFrame(4321), closeFrame(1005), closeFrame(999)),
  fc.constantFrom(
    frame("x", { masked: false }),
    frame("x", { rsv: 4 }),
    frame("x", { rsv: 2, opcode: 2 }),
    frame("x", { opcode: 3 }),
    frame("x", { opcode: 11 }),
    frame("x", { opcode: 0 }),
    frame("x", { opcode: 9, fin: false }),
    frame(Buffer.alloc(126), { opcode: 9 }),
    frame(Buffer.from([0xc3, 0x28])),
    frame(Buffer.concat([Buffer.alloc(200, 97), Buffer.from([0xff])])),
    frame(Buffer.alloc(maxPayload + 1), { opcode: 2 }),
    frame(Buffer.from([0]), { opcode: 8 }),
    Buffer.concat([frame("a", { fin: false }), frame("b")]),
    Buffer.concat([
      frame(Buffer.alloc(40_000), { opcode: 2, fin: false }),
      frame(Buffer.alloc(40_000), { opcode: 0 }),
    ]),
    Buffer.from([0x82, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5]),
    Buffer.from([0x81]),
    frame("cut off").subarray(0, 9),
  ),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
);

/** With the bit that says so, which nothing but the first frame of a message may have. */
function compressedFrame(data: string | Uint8Array, options: { opcode?: number } = {}): Buffer {
  return frame(deflate(data), { ...options, rsv: 4 });
}

const compressedFrames = fc.oneof(
  text.map((value) => compressedFrame(value)),
  payload.map((value) => compressedFrame(value, { opcode: 2 })),
  text.map((value) => {
    const bytes = deflate(value);
    return Buffer.concat([
      frame(bytes.subarray(0, 3), { fin: false, rsv: 4 }),
      frame("between", { opcode: 9 }),
      frame(bytes.subarray(3), { opcode: 0 }),
    ]);
  }),
);

const compressedEndings = fc.constantFrom(
  compressedFrame(Buffer.alloc(maxPayload + 1), { opcode: 2 }),
  compressedFrame("x", { opcode: 9 }),
  Buffer.concat([frame("x", { fin: false }), compressedFrame("x", { opcode: 0 })]),
  compressedFrame(Buffer.from([0xc3, 0x28])),
  frame("not deflated", { rsv: 4 }),
  compressedFrame("cut off").subarray(0, 9),
);

/** A stream, and where it is cut. */
const streamsOf = (
  valid: fc.Arbitrary<Buffer>,
  wrong: fc.Arbitrary<Buffer>,
): fc.Arbitrary<readonly Buffer[]> =>
  fc
    .tuple(
      fc.array(valid, { maxLength: 12 }),
      wrong,
      fc.array(valid, { maxLength: 2 }),
      fc.array(fc.nat(), { maxLength: 8 }),
    )
    .map(([frames, ending, after, cuts]) => {
      const bytes = Buffer.concat([...frames, ending, ...after]);
      return cut(
        bytes,
        cuts.map((at) => at % (bytes.length + 1)),
      );
    });

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [0, ...at, bytes.length].sort((a, b) => a - b);
  return places
    .slice(1)
    .map((end, i) => bytes.subarray(places[i], end))
    .filter((chunk) => chunk.length > 0);
}

async function compare(streams: fc.Arbitrary<readonly Buffer[]>, extensions?: string): Promise<void> {
  // fast-check prints the seed and the smallest stream that differs.
  await fc.assert(
    fc.asyncProperty(streams, async (chunks) => {
      const expected = await withBareWs(chunks, extensions);
      expect(await withHooks(chunks, extensions)).toEqual(expected);
      expect(await withListeners(chunks, extensions)).toEqual(expected);
    }),
    {
      numRuns: Number(process.env["FC_RUNS"] ?? 400),
      ...(process.env["FC_SEED"] && { seed: Number(process.env["FC_SEED"]) }),
    },
  );
}

describe("the same bytes to bare ws and to us", () => {
  it("make the same messages, errors, answers and close codes, in the same order", async () => {
    await compare(streamsOf(validFrames, endings));
  }, 60_000);

  it("do so where they are compressed", async () => {
    const valid = fc.oneof(validFrames, compressedFrames);
    await compare(streamsOf(valid, fc.oneof(endings, compressedEndings)), "permessage-deflate");
  }, 60_000);

  it("do so wherever the stream is cut", async () => {
    const stream = Buffer.concat([
      frame("first"),
      frame(Buffer.alloc(130, 98), { opcode: 2 }),
      frame("ping", { opcode: 9 }),
      frame("frag", { fin: false }),
      frame("ment", { opcode: 0 }),
      frame("é".repeat(70)),
      closeFrame(1000, "end"),
    ]);
    const whole = await withBareWs([stream]);
    for (let at = 1; at < stream.length; at++) {
      const halves = [stream.subarray(0, at), stream.subarray(at)];
      expect(await withHooks(halves)).toEqual(whole);
      expect(await withListeners(halves)).toEqual(whole);
    }
    expect(await withHooks([...stream].map((byte) => Buffer.from([byte])))).toEqual(whole);
  }, 60_000);
});
