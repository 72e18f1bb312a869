import type { Message } from "../message.ts";

/** The opcodes of data frames with the FIN bit (RFC 6455 section 5.2). */
const finText = 0x81;
const finBinary = 0x82;
/** RSV1: the message is compressed (RFC 7692 section 6). */
const rsv1 = 0x40;

/** Frames up to this size are written into the arena; larger ones get a buffer of their own. */
const maxInArena = 16_384;
const arenaSize = 65_536;

/** Where a frame lies: `buffer[start..end)`. */
export interface Frame {
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
}

/**
 * The buffer all small frames are written into, one behind the other, for all peers. So the frames of a tick that go to one
 * peer are mostly one range of it, and those that go to many peers are written once. It is never written twice: when it is
 * full another takes its place, and it lives as long as somebody has to send a part of it.
 */
let arena = Buffer.allocUnsafeSlow(arenaSize);
let position = 0;

/** Reused for every frame, so that a frame costs no object: read it before the next one is written. */
const frame = { buffer: arena, start: 0, end: 0 };

/** Frames a message: header and payload contiguous, not masked, as a server sends (RFC 6455 section 5.1). */
export function frameMessage(data: string | Uint8Array | Message, isText: boolean): Frame {
  const size = typeof data === "string" ? Buffer.byteLength(data) : data.byteLength;
  const payloadAt = startFrame(isText ? finText : finBinary, size);
  if (typeof data === "string") {
    // As many bytes as characters: all are ASCII, which Latin-1 writes faster.
    frame.buffer.write(data, payloadAt, size, size === data.length ? "latin1" : "utf8");
  } else if (data instanceof Uint8Array) frame.buffer.set(data, payloadAt);
  else data.copyInto(frame.buffer, payloadAt);
  return frame;
}

/** Frames a payload that permessage-deflate has compressed. */
export function frameCompressed(payload: Uint8Array, isText: boolean): Frame {
  frame.buffer.set(payload, startFrame((isText ? finText : finBinary) | rsv1, payload.byteLength));
  return frame;
}

/** Reserves the place of a frame, writes its header, and returns where its payload begins. */
function startFrame(first: number, size: number): number {
  const headerSize = size < 126 ? 2 : size < 65_536 ? 4 : 10;
  const total = headerSize + size;
  if (total > maxInArena) {
    frame.buffer = Buffer.allocUnsafeSlow(total);
    frame.start = 0;
    frame.end = total;
  } else {
    if (position + total > arenaSize) {
      arena = Buffer.allocUnsafeSlow(arenaSize);
      position = 0;
    }
    frame.buffer = arena;
    frame.start = position;
    position += total;
    frame.end = position;
  }
  const { buffer, start } = frame;
  buffer[start] = first;
  if (headerSize === 2) buffer[start + 1] = size;
  else if (headerSize === 4) {
    buffer[start + 1] = 126;
    buffer[start + 2] = size >> 8;
    buffer[start + 3] = size & 0xff;
  } else {
    buffer[start + 1] = 127;
    buffer.writeUIntBE(0, start + 2, 2);
    buffer.writeUIntBE(size, start + 4, 6);
  }
  return start + headerSize;
}
