import { createServer } from "node:http";
import { createSpryWs } from "@spry-ws/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { Deferred } from "./fixtures/deferred.ts";
import { MemorySocket } from "./fixtures/memory-socket.ts";
import { closeFrame, frame } from "./fixtures/raw.ts";

/** Small, so that frames beyond it are cheap; above 65,535, so that 64-bit lengths occur. */
const maxPayload = 70_000;

/** What a server made of a stream of bytes. */
interface Outcome {
  /** Messages, errors by code, and the close event, in order. */
  readonly events: string[];
  /** What it wrote back: pongs, its close frame. */
  readonly sent: string;
}

async function withBareWs(chunks: readonly Buffer[]): Promise<Outcome> {
  const server = new WebSocketServer({ noServer: true, maxPayload, clientTracking: false });
  const socket = new MemorySocket();
  const events: string[] = [];
  const closed = new Promise<void>((resolve) => {
    server.handleUpgrade(socket.request(), socket, Buffer.alloc(0), (websocket) => {
      websocket.on("message", (data: Buffer, isBinary) => events.push(describeMessage(data, !isBinary)));
      websocket.on("error", (error: Error & { code?: string }) => events.push(`error ${error.code}`));
      websocket.on("close", (code, reason) => {
        events.push(`close ${code} ${reason}`);
        resolve();
      });
    });
  });
  await feed(socket, chunks, closed);
  return { events, sent: socket.sent.toString("hex") };
}

async function withSpryWs(chunks: readonly Buffer[]): Promise<Outcome> {
  const socket = new MemorySocket();
  const events: string[] = [];
  const opened = new Deferred();
  const closed = new Promise<void>((resolve) => {
    const spry = createSpryWs({ maxPayload });
    const server = createServer(
      spry.handler({
        open: () => void opened.resolve(),
        message: (_peer, message) =>
          void events.push(describeMessage(Buffer.from(message.bytes()), message.isText)),
        error: (_peer, error) => void events.push(`error ${(error as { code?: string }).code}`),
        close(_peer, code, reason) {
          events.push(`close ${code} ${reason}`);
          resolve();
        },
      }),
    );
    spry.attach(server);
    server.emit("upgrade", socket.request(), socket, Buffer.alloc(0));
  });
  await opened.promise;
  await feed(socket, chunks, closed);
  return { events, sent: socket.sent.toString("hex") };
}

/** One chunk per turn of the event loop, then the end of the stream. */
async function feed(socket: MemorySocket, chunks: readonly Buffer[], closed: Promise<void>): Promise<void> {
  for (const chunk of chunks) {
    // A copy: reading unmasks in place.
    if (!socket.destroyed && !socket.readableEnded) socket.push(Buffer.from(chunk));
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (!socket.destroyed) socket.push(null);
  await closed;
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

/** A stream, and where it is cut. */
const streams = fc
  .tuple(
    fc.array(validFrames, { maxLength: 12 }),
    endings,
    fc.array(validFrames, { maxLength: 2 }),
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

describe("the same bytes to bare ws and to us", () => {
  it("make the same messages, errors, answers and close codes, in the same order", async () => {
    // fast-check prints the seed and the smallest stream that differs.
    await fc.assert(
      fc.asyncProperty(streams, async (chunks) => {
        expect(await withSpryWs(chunks)).toEqual(await withBareWs(chunks));
      }),
      {
        numRuns: Number(process.env["FC_RUNS"] ?? 400),
        ...(process.env["FC_SEED"] && { seed: Number(process.env["FC_SEED"]) }),
      },
    );
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
      expect(await withSpryWs([stream.subarray(0, at), stream.subarray(at)])).toEqual(whole);
    }
    expect(await withSpryWs([...stream].map((byte) => Buffer.from([byte])))).toEqual(whole);
  }, 60_000);
});
