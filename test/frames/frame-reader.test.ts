import { createServer } from "node:http";
import type { Writable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { createSpryWs, type Message, type Peer } from "@spry-ws/core";
import { expect, it, vi } from "vitest";
import { Deferred } from "../fixtures/deferred.ts";
import { MemorySocket } from "../fixtures/memory-socket.ts";
import { deflate, frame } from "../fixtures/raw.ts";

/** A peer whose socket delivers exactly the chunks it is given. */
async function open(extensions?: string) {
  const socket = new MemorySocket();
  const opened = new Deferred<Peer>();
  const received = new Deferred<Message>();
  const spry = createSpryWs({ maxPayload: 8_388_608, perMessageDeflate: true });
  const server = createServer(
    spry.handler({
      open: (peer) => opened.resolve(peer),
      message: (_peer, message) => received.resolve(message),
    }),
  );
  spry.attach(server);
  server.emit("upgrade", socket.request(extensions), socket, Buffer.alloc(0));
  return { socket, peer: await opened.promise, received: received.promise };
}

async function trickle(socket: MemorySocket, bytes: Buffer): Promise<void> {
  for (const [i, byte] of bytes.entries()) {
    socket.push(Buffer.from([byte]));
    if (i % 1_000 === 0) await nextTurn();
  }
}

it("copies the bytes of a frame a few times, and not anew with every few of them that come", async () => {
  const { socket, received } = await open();
  const size = 4_194_304;
  const bytes = frame(Buffer.alloc(size, 1), { opcode: 2 });
  const concat = vi.spyOn(Buffer, "concat");
  const last = 10_000;
  socket.push(bytes.subarray(0, -last));
  await trickle(socket, bytes.subarray(-last));
  const copied = concat.mock.results.reduce((sum, { value }) => sum + (value as Buffer).length, 0);
  concat.mockRestore();
  expect((await received).byteLength).toBe(size);
  expect(copied).toBeLessThan(size + 10 * last);
});

it.each([
  [
    "the last fragment",
    undefined,
    [frame("first", { fin: false }), frame("x".repeat(20_000), { opcode: 0 })],
  ],
  ["a compressed message", "permessage-deflate", [frame(deflate(String(Array(9_999))), { rsv: 4 })]],
])(
  "hands %s to ws in one piece, however small those are in which it comes",
  async (_what, extensions, frames) => {
    const { socket, peer, received } = await open(extensions);
    const write = vi.spyOn(Reflect.get(peer.websocket, "_receiver") as Writable, "write");
    for (const bytes of frames) await trickle(socket, bytes);
    await received;
    expect(write).toHaveBeenCalledTimes(frames.length);
  },
);
