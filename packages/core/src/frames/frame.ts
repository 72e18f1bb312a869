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
 * A buffer that small frames are written into, one behind the other, for all peers. So the frames of a tick that go to one peer
 * are mostly one range of it, and those that go to many peers are written once. Its memory is never written twice: when it is
 * full other memory takes its place, and it lives as long as somebody has to send a part of it.
 */
class Arena {
  buffer: Buffer = Buffer.allocUnsafeSlow(arenaSize);
  words: DataView = new DataView(this.buffer.buffer);
  #position = 0;

  /** Where there is place for so many bytes. */
  reserve(size: number): number {
    if (this.#position + size > arenaSize) {
      noteExternalMemory(arenaSize);
      this.buffer = Buffer.allocUnsafeSlow(arenaSize);
      this.words = new DataView(this.buffer.buffer);
      this.#position = 0;
    }
    const start = this.#position;
    this.#position += size;
    return start;
  }
}

/** For frames that go to one peer. */
const own = new Arena();
/** For those that go to many: what others are sent in the same tick must not lie between them. */
const shared = new Arena();

/** Reused for every frame, so that a frame costs no object: read it before the next one is written. */
const frame: { buffer: Buffer; start: number; end: number; words: DataView | undefined } = {
  buffer: own.buffer,
  start: 0,
  end: 0,
  words: undefined,
};

/**
 * Frames a message: header and payload contiguous, not masked, as a server sends (RFC 6455 section 5.1).
 *
 * @param size how many bytes it has
 * @param isShared whether it goes to many
 */
export function frameMessage(data: Payload, size: number, isText: boolean, isShared: boolean): Frame {
  const first = isText ? finText : finBinary;
  if (size >= inPlaceFrom && typeof data === "object" && !(data instanceof Uint8Array)) {
    const place = data.lend();
    if (place) return frameInPlace(first, place);
  }
  const payloadAt = startFrame(first, size, isShared ? shared : own);
  if (typeof data === "string") {
    // As many bytes as characters: all are ASCII, which Latin-1 writes faster.
    frame.buffer.write(data, payloadAt, size, size === data.length ? "latin1" : "utf8");
  } else if (data instanceof Uint8Array) frame.buffer.set(data, payloadAt);
  else data.copyInto(frame.buffer, payloadAt, frame.words);
  return frame;
}

/** Frames a payload that permessage-deflate has compressed, for many peers. */
export function frameCompressed(payload: Uint8Array, isText: boolean): Frame {
  // In a statement of its own: it changes which buffer the frame lies in.
  const payloadAt = startFrame((isText ? finText : finBinary) | rsv1, payload.byteLength, shared);
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

/** Memory for bytes that go to one peer or more, as `frame`: read it before the next one is written. */
export function place(size: number): Frame & { readonly words: DataView | undefined } {
  placeIn(own, size);
  return frame;
}

/** Reserves the place of a frame, writes its header, and returns where its payload begins. */
function startFrame(first: number, size: number, arena: Arena): number {
  const headerSize = headerSizeOf(size);
  placeIn(arena, headerSize + size);
  writeHeader(first, size);
  return frame.start + headerSize;
}

function placeIn(arena: Arena, total: number): void {
  if (total > maxInArena) {
    noteExternalMemory(total);
    frame.buffer = Buffer.allocUnsafeSlow(total);
    frame.words = undefined;
    frame.start = 0;
  } else {
    frame.start = arena.reserve(total);
    frame.buffer = arena.buffer;
    frame.words = arena.words;
  }
  frame.end = frame.start + total;
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
