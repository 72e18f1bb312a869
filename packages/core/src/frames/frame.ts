import type { Payload } from "../message.ts";
import { noteExternalMemory } from "./external-memory.ts";
import { finBinary, finText, rsv1 } from "./opcodes.ts";

/** From here on a message that was received in one piece is not copied, but sent from where it came in. */
const inPlaceFrom = 4_096;
/** Other frames up to this size are written into the arena; a larger one gets a buffer of its own. */
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
let arenaWords = new DataView(arena.buffer);
let position = 0;

/** Reused for every frame, so that a frame costs no object: read it before the next one is written. */
const frame: { buffer: Buffer; start: number; end: number } = { buffer: arena, start: 0, end: 0 };

/**
 * Frames a message: header and payload contiguous, not masked, as a server sends (RFC 6455 section 5.1).
 *
 * @param size how many bytes it has
 */
export function frameMessage(data: Payload, size: number, isText: boolean): Frame {
  const first = isText ? finText : finBinary;
  if (size >= inPlaceFrom && typeof data === "object" && !(data instanceof Uint8Array)) {
    const place = data.lend();
    if (place) return frameInPlace(first, place);
  }
  const payloadAt = startFrame(first, size);
  if (typeof data === "string") {
    // As many bytes as characters: all are ASCII, which Latin-1 writes faster.
    frame.buffer.write(data, payloadAt, size, size === data.length ? "latin1" : "utf8");
  } else if (data instanceof Uint8Array) frame.buffer.set(data, payloadAt);
  else data.copyInto(frame.buffer, payloadAt, frame.buffer === arena ? arenaWords : undefined);
  return frame;
}

/** Frames a payload that permessage-deflate has compressed. */
export function frameCompressed(payload: Uint8Array, isText: boolean): Frame {
  // In a statement of its own: it changes which buffer the frame lies in.
  const payloadAt = startFrame((isText ? finText : finBinary) | rsv1, payload.byteLength);
  frame.buffer.set(payload, payloadAt);
  return frame;
}

/**
 * Writes the header over the header of the frame that the message came in, which is no longer needed. There is always room: the
 * client's header has the same fields, and a masking key.
 */
function frameInPlace(first: number, { buffer, start, end }: Frame): Frame {
  const headerSize = headerSizeOf(end - start);
  frame.buffer = buffer;
  frame.start = start - headerSize;
  frame.end = end;
  writeHeader(first, end - start);
  return frame;
}

/** Reserves the place of a frame, writes its header, and returns where its payload begins. */
function startFrame(first: number, size: number): number {
  const headerSize = headerSizeOf(size);
  const total = headerSize + size;
  if (total > maxInArena) {
    noteExternalMemory(total);
    frame.buffer = Buffer.allocUnsafeSlow(total);
    frame.start = 0;
    frame.end = total;
  } else {
    if (position + total > arenaSize) {
      noteExternalMemory(arenaSize);
      arena = Buffer.allocUnsafeSlow(arenaSize);
      arenaWords = new DataView(arena.buffer);
      position = 0;
    }
    frame.buffer = arena;
    frame.start = position;
    position += total;
    frame.end = position;
  }
  writeHeader(first, size);
  return frame.start + headerSize;
}

function headerSizeOf(size: number): number {
  return size < 126 ? 2 : size < 65_536 ? 4 : 10;
}

/** At the start of `frame` (RFC 6455 section 5.2). */
function writeHeader(first: number, size: number): void {
  const { buffer, start } = frame;
  buffer[start] = first;
  if (size < 126) buffer[start + 1] = size;
  else if (size < 65_536) {
    buffer[start + 1] = 126;
    buffer[start + 2] = size >> 8;
    buffer[start + 3] = size & 0xff;
  } else {
    buffer[start + 1] = 127;
    buffer.writeUIntBE(0, start + 2, 2);
    buffer.writeUIntBE(size, start + 4, 6);
  }
}
