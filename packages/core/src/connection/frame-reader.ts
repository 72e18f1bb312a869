import { isUtf8 } from "node:buffer";
import type { Duplex, Writable } from "node:stream";
import { Message } from "../message.ts";
import type { Connection } from "./connection.ts";
import { unmask } from "./unmask.ts";
import type { WebSocketInternals } from "./ws-internals.ts";

/** The `data` listener of `ws`. */
export type EngineListener = (this: Duplex, chunk: Buffer) => void;

/** Chunks of an incomplete frame that are kept apart before they are joined. */
const maxChunks = 256;

/**
 * Reads what almost every frame is, a whole text or binary message that is not compressed, straight from the chunks of the
 * socket. Every other frame (control frames, fragments) goes byte for byte to `ws`, and with the first thing that is wrong
 * everything does: `ws` decides what is an error and which close code answers it.
 */
export class FrameReader {
  readonly #connection: Connection;
  readonly #socket: Duplex;
  readonly #receiver: Writable;
  readonly #listener: EngineListener;
  readonly #maxPayload: number;
  /** Chunks that do not hold a whole frame yet. */
  #chunks: Buffer[] | undefined;
  #chunkBytes = 0;
  /** How many bytes there must be before it is worth looking at them again. */
  #needed = 0;
  /** How many bytes of the current frame are still to be given to `ws`. */
  #engineBytes = 0;
  /** Between the fragments of a message, which `ws` puts together. */
  #isFragmented = false;
  /** `ws` has found an error or is about to. */
  #isSurrendered = false;
  #hasEnded = false;

  constructor(connection: Connection, internals: WebSocketInternals, listener: EngineListener) {
    this.#connection = connection;
    this.#socket = internals._socket;
    this.#receiver = internals._receiver;
    this.#listener = listener;
    this.#maxPayload = connection.options.maxPayload || Number.MAX_SAFE_INTEGER;
  }

  /** `ws` wants nothing more: a close frame has come, or an error. */
  end(): void {
    this.#hasEnded = true;
  }

  read(chunk: Buffer): void {
    if (this.#hasEnded) return;
    if (this.#chunkBytes === 0) {
      this.#walk(chunk);
      return;
    }
    const chunks = this.#chunks ?? [];
    chunks.push(chunk);
    this.#chunkBytes += chunk.length;
    if (this.#chunkBytes < this.#needed) {
      // A frame that comes byte by byte must not cost an object for each byte.
      if (chunks.length >= maxChunks) this.#chunks = [Buffer.concat(chunks, this.#chunkBytes)];
      return;
    }
    const all = Buffer.concat(chunks, this.#chunkBytes);
    this.#chunks = undefined;
    this.#chunkBytes = 0;
    this.#walk(all);
  }

  /** The frames of a chunk, one after the other. */
  #walk(chunk: Buffer): void {
    const { length } = chunk;
    let at = this.#continueEngine(chunk);
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
    if (isViolation(first, second, this.#isFragmented)) return this.#surrender(chunk, at);
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
    if (size > this.#maxPayload) return this.#surrender(chunk, at);
    if (this.#isFragmented || (first !== 0x81 && first !== 0x82))
      return this.#giveToEngine(chunk, at, end, first);
    if (end > chunk.length) return this.#keep(chunk, at, end - at);
    return this.#deliver(chunk, at + headerSize, end, first === 0x81) ? end : this.#surrender(chunk, at);
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
    this.#connection.receive(new Message(chunk, isText, start, end), end - start);
    return true;
  }

  /** Keeps the rest of a chunk until `needed` bytes are there. */
  #keep(chunk: Buffer, at: number, needed: number): number {
    this.#chunks = [at === 0 ? chunk : chunk.subarray(at)];
    this.#chunkBytes = chunk.length - at;
    this.#needed = needed;
    return chunk.length;
  }

  #giveToEngine(chunk: Buffer, at: number, frameEnd: number, first: number): number {
    const isControl = (first & 0x08) !== 0;
    if (!isControl) this.#isFragmented = first < 0x80;
    else if (first === 0x88) this.#isSurrendered = true; // Nothing follows a close frame.
    const end = Math.min(chunk.length, frameEnd);
    this.#engineBytes = frameEnd - end;
    this.#connection.outbound.flush();
    this.#engine(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end));
    return end;
  }

  #continueEngine(chunk: Buffer): number {
    if (this.#isSurrendered) {
      this.#engine(chunk);
      return chunk.length;
    }
    if (this.#engineBytes === 0) return 0;
    const end = Math.min(chunk.length, this.#engineBytes);
    this.#engineBytes -= end;
    this.#engine(end === chunk.length ? chunk : chunk.subarray(0, end));
    return end;
  }

  #surrender(chunk: Buffer, at: number): number {
    this.#isSurrendered = true;
    this.#connection.outbound.flush();
    this.#engine(at === 0 ? chunk : chunk.subarray(at));
    return chunk.length;
  }

  #engine(chunk: Buffer): void {
    this.#listener.call(this.#socket, chunk);
    // It tells of an error in the next tick only.
    if (this.#receiver.errored) this.#isSurrendered = true;
  }
}

/**
 * What the first two bytes of a frame already show to be wrong: no mask, reserved bits (no extension is negotiated here that
 * gives them a meaning), reserved opcodes, a continuation of nothing, a new message between fragments, a control frame that
 * is long or a fragment.
 */
function isViolation(first: number, second: number, isFragmented: boolean): boolean {
  if (second < 0x80 || (first & 0x70) !== 0) return true;
  const opcode = first & 0x0f;
  if (opcode < 8) return isFragmented ? opcode !== 0 : opcode === 0 || opcode > 2;
  return opcode > 10 || first < 0x80 || (second & 0x7f) > 125;
}
