import { isUtf8 } from "node:buffer";
import type { Duplex, Writable } from "node:stream";
import type { WebSocket } from "ws";
import { noteExternalMemory } from "../frames/external-memory.ts";
import { joinRecent } from "../frames/join-chunks.ts";
import {
  allReserved,
  binary,
  continuation,
  controlBit,
  fin,
  finBinary,
  finClose,
  finText,
  opcodeBits,
  pong,
  rsv1,
  text,
} from "../frames/opcodes.ts";
import { unmask } from "../frames/unmask.ts";
import { internalsOf, type WebSocketInternals } from "../frames/ws-internals.ts";
import { Message } from "../message.ts";

/** Whose frames are read. */
export interface FrameReaderOwner {
  readonly websocket: WebSocket;
  readonly options: { readonly maxPayload: number };
  receive(message: Message, size: number): void;
  /** Writes what has been sent, before `ws` writes something. */
  flush(): void;
  /** Counts a fragment or a control frame against `rateLimit`. */
  limit(size: number): boolean;
}

/** The `data` listener of `ws`. */
export type EngineListener = (this: Duplex, chunk: Buffer) => void;

/** Chunks of an incomplete frame that are kept apart before they are joined. */
const maxChunks = 256;

/**
 * A fragment of fewer bytes counts against `rateLimit` as a message does. Browsers send long messages in fragments too, but in large
 * ones: those count with their message.
 */
const smallFragmentBytes = 1_024;

/**
 * Reads what almost every frame is, a whole text or binary message that is not compressed, straight from the chunks of the
 * socket. Every other frame (control frames, fragments, all where there is compression) goes to `ws`, and with the first thing
 * that is wrong everything does: `ws` decides what is an error and which close code answers it.
 *
 * A frame goes to `ws` in one piece. What it gets in pieces it keeps in a list that it takes apart from the front, one by one,
 * which blocks the process for seconds where they are tens of thousands.
 */
export class FrameReader {
  readonly #owner: FrameReaderOwner;
  readonly #socket: Duplex;
  readonly #receiver: Writable;
  readonly #listener: EngineListener;
  readonly #maxPayload: number;
  /** Whether messages are delivered from here; otherwise every frame goes to `ws`. */
  readonly #isDirect: boolean;
  /** The reserved bits that must not be set where a message begins. */
  readonly #reserved: number;
  /** Chunks that do not hold a whole frame yet. */
  #chunks: Buffer[] | undefined;
  #chunkBytes = 0;
  /** How many of the chunks have been joined already. */
  #joined = 0;
  /** How many bytes there must be before it is worth looking at them again. */
  #needed = 0;
  /** Between the fragments of a message, which `ws` puts together. */
  #isFragmented = false;
  /** The size of those that have come. */
  #fragmentBytes = 0;
  /** `ws` has found an error or is about to. */
  #isSurrendered = false;
  #hasEnded = false;

  constructor(owner: FrameReaderOwner, listener: EngineListener) {
    const { websocket } = owner;
    const { _socket, _receiver } = websocket as unknown as WebSocketInternals;
    this.#owner = owner;
    this.#socket = _socket;
    this.#receiver = _receiver;
    this.#listener = listener;
    const hasExtensions = websocket.extensions !== "";
    // With them `ws` reads everything: a message that is not compressed would overtake those that are.
    this.#isDirect = internalsOf(websocket) !== undefined && !hasExtensions;
    this.#reserved = hasExtensions ? allReserved & ~rsv1 : allReserved;
    this.#maxPayload = owner.options.maxPayload || Number.MAX_SAFE_INTEGER;
  }

  /** `ws` wants nothing more: a close frame has come, or an error. */
  end(): void {
    this.#hasEnded = true;
  }

  read(chunk: Buffer): void {
    if (this.#hasEnded) return;
    noteExternalMemory(chunk.length);
    if (this.#chunkBytes === 0) {
      this.#walk(chunk);
      return;
    }
    const chunks = this.#chunks ?? [];
    chunks.push(chunk);
    this.#chunkBytes += chunk.length;
    if (this.#chunkBytes < this.#needed) {
      // A frame that comes byte by byte must not cost an object for each byte.
      if (chunks.length - this.#joined >= maxChunks) this.#joined = joinRecent(chunks, this.#joined);
      return;
    }
    noteExternalMemory(this.#chunkBytes);
    const all = Buffer.concat(chunks, this.#chunkBytes);
    this.#chunks = undefined;
    this.#chunkBytes = 0;
    this.#walk(all);
  }

  /** The frames of a chunk, one after the other. */
  #walk(chunk: Buffer): void {
    const { length } = chunk;
    let at = 0;
    while (at < length && !this.#hasEnded) {
      at = this.#isSurrendered ? this.#surrender(chunk, at) : this.#frame(chunk, at);
    }
  }

  /** One frame (RFC 6455 section 5.2). Returns where the next one begins: behind the chunk if it is dealt with. */
  #frame(chunk: Buffer, at: number): number {
    const available = chunk.length - at;
    if (available < 2) return this.#keep(chunk, at, 2);
    const first = chunk[at] as number;
    const second = chunk[at + 1] as number;
    if (isViolation(first, second, this.#isFragmented, this.#reserved)) return this.#surrender(chunk, at);
    let size = second & 0x7f;
    let headerSize = 6;
    if (size === 126) {
      headerSize = 8;
      if (available < 4) return this.#keep(chunk, at, 4);
      size = ((chunk[at + 2] as number) << 8) | (chunk[at + 3] as number);
    } else if (size === 127) {
      headerSize = 14;
      if (available < 10) return this.#keep(chunk, at, 10);
      size = chunk.readUInt32BE(at + 2) * 2 ** 32 + chunk.readUInt32BE(at + 6);
    }
    const end = at + headerSize + size;
    if (size + this.#fragmentBytes > this.#maxPayload && (first & controlBit) === 0)
      return this.#surrender(chunk, at);
    if (end > chunk.length) return this.#keep(chunk, at, end - at);
    if (!this.#isDirect || this.#isFragmented || (first !== finText && first !== finBinary))
      return this.#giveToEngine(chunk, at, end, first, size);
    return this.#deliver(chunk, at + headerSize, end, first === finText) ? end : this.#surrender(chunk, at);
  }

  /** Unmasks a whole payload and delivers it. False, with the payload as it was, if text is not UTF-8. */
  #deliver(chunk: Buffer, start: number, end: number, isText: boolean): boolean {
    const k0 = chunk[start - 4] as number;
    const k1 = chunk[start - 3] as number;
    const k2 = chunk[start - 2] as number;
    const k3 = chunk[start - 1] as number;
    const bits = unmask(chunk, start, end, k0, k1, k2, k3);
    if (isText && bits >= 0x80 && !isUtf8(chunk.subarray(start, end))) {
      unmask(chunk, start, end, k0, k1, k2, k3);
      return false;
    }
    this.#owner.receive(new Message(chunk, isText, start, end), end - start);
    return true;
  }

  /** Keeps the rest of a chunk until `needed` bytes are there. */
  #keep(chunk: Buffer, at: number, needed: number): number {
    this.#chunks = [at === 0 ? chunk : chunk.subarray(at)];
    this.#chunkBytes = chunk.length - at;
    this.#joined = 1;
    this.#needed = needed;
    return chunk.length;
  }

  /** A whole frame. Returns where it ends. */
  #giveToEngine(chunk: Buffer, at: number, end: number, first: number, size: number): number {
    if ((first & controlBit) === 0) this.#count(first, size);
    else {
      if (first === finClose) this.#isSurrendered = true; // Nothing follows a close frame.
      // `ws` answers it at once, and what was sent before must come first.
      this.#owner.flush();
    }
    this.#engine(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end));
    return end;
  }

  /** A data frame, which may be a fragment. */
  #count(first: number, size: number): void {
    this.#isFragmented = first < fin;
    this.#fragmentBytes = this.#isFragmented ? this.#fragmentBytes + size : 0;
    if (this.#isFragmented && size < smallFragmentBytes) this.#owner.limit(0);
  }

  #surrender(chunk: Buffer, at: number): number {
    this.#isSurrendered = true;
    this.#owner.flush();
    this.#engine(at === 0 ? chunk : chunk.subarray(at));
    return chunk.length;
  }

  #engine(chunk: Buffer): void {
    // `ws` would answer with backpressure, and nobody would read the end of the stream.
    if (this.#receiver.destroyed || this.#receiver.writableEnded) {
      this.#hasEnded = true;
      return;
    }
    this.#listener.call(this.#socket, chunk);
    // `ws` tells of an error in the next tick only.
    if (this.#receiver.errored) this.#isSurrendered = true;
  }
}

/**
 * What the first two bytes of a frame already show to be wrong: no mask, reserved bits (the one that compression uses only where
 * a compressed message begins), reserved opcodes, a continuation of nothing, a new message between fragments, a control frame
 * that is long or a fragment, a close frame with half a code.
 */
function isViolation(first: number, second: number, isFragmented: boolean, reserved: number): boolean {
  const opcode = first & opcodeBits;
  const isStart = opcode === text || opcode === binary;
  if (second < 0x80 || (first & (isStart ? reserved : allReserved)) !== 0) return true;
  if (opcode < controlBit)
    return isFragmented ? opcode !== continuation : opcode === continuation || opcode > binary;
  return opcode > pong || first < fin || (second & 0x7f) > 125 || (first === finClose && second === 0x81);
}
