import { types } from "node:util";
import { createError, describe } from "./errors.ts";
import { howToRead, howToSend } from "./how-to-send.ts";
import { copyInto, copyOf, decode, isAlone } from "./message-bytes.ts";

/** What `send` and `publish` take. A string or a text `Message` becomes a text frame, all else a binary one. */
export type MessageData = Message | string | ArrayBuffer | ArrayBufferView;

const encoder = new TextEncoder();

/**
 * One WebSocket message, received or to be sent. It is decoded on first use and at most once.
 *
 * @example
 * message(peer, message) {
 *   const { room } = message.json<{ room: string }>();
 *   peer.send(Message.json({ joined: room }));
 * }
 */
export class Message {
  /** Whether it is a text message (opcode 0x1); otherwise it is binary (opcode 0x2). */
  readonly isText: boolean;
  #text: string | undefined;
  /** What holds the message's bytes, between `#start` and `#end`: for received ones the chunk the socket delivered. */
  #source: Uint8Array | undefined;
  #start: number;
  #end: number;
  /** What `bytes()` has given; null before that where it cannot be the memory itself, as others use it. */
  #bytes: Uint8Array | null | undefined;

  /**
   * @internal Messages are made by `Message.text`, `Message.bytes` and `Message.json`.
   * @param start where the message begins in what the socket delivered: right behind the header of its frame
   */
  constructor(data: string | Uint8Array, isText: boolean, start: number = 0, end: number = data.length) {
    this.isText = isText;
    this.#start = start;
    this.#end = end;
    if (typeof data === "string") this.#text = data;
    else this.#source = data;
  }

  /**
   * A text message.
   *
   * @throws TypeError `SPRY_WS_DATA` if `text` is not a string
   */
  static text(text: string): Message {
    if (typeof text !== "string") {
      throw createError(
        "SPRY_WS_DATA",
        `Message.text() takes a string, not ${describe(text)}; ${howToSend(text)}`,
      );
    }
    return new Message(text, true);
  }

  /**
   * A binary message. The bytes are not copied before the message is sent: until then changes to them are changes to it.
   *
   * @throws TypeError `SPRY_WS_DATA` if `bytes` is neither an ArrayBuffer nor a view of one
   */
  static bytes(bytes: ArrayBuffer | ArrayBufferView): Message {
    const view = toBytes(bytes);
    if (!view) {
      throw createError(
        "SPRY_WS_DATA",
        `Message.bytes() takes a Uint8Array, another view or an ArrayBuffer, not ${describe(bytes)}; ` +
          (typeof bytes === "string" ? "write Message.text(value)" : howToSend(bytes)),
      );
    }
    return new Message(view, false);
  }

  /**
   * A text message that holds `value` as JSON.
   *
   * @throws TypeError `SPRY_WS_DATA` if JSON has no form for `value` (`undefined`, a function, a cycle, a BigInt), or `{}` for what
   * has to be awaited or read first (a Promise, a Blob, a stream)
   */
  static json(value: unknown): Message {
    let text: string | undefined;
    try {
      text = JSON.stringify(value);
    } catch (cause) {
      throw createError("SPRY_WS_DATA", `Message.json() cannot write ${describe(value)} as JSON`, cause);
    }
    if (text === undefined) {
      throw createError("SPRY_WS_DATA", `Message.json() cannot write ${describe(value)} as JSON`);
    }
    const advice = text === "{}" ? howToRead(value) : undefined;
    if (advice)
      throw createError("SPRY_WS_DATA", `Message.json() would write ${describe(value)} as {}; ${advice}`);
    return new Message(text, true);
  }

  /** The message as it came: a string if it is text, bytes if it is binary. */
  get raw(): string | Uint8Array {
    return this.isText ? this.text() : this.bytes();
  }

  /** How many bytes the message has, a text one as UTF-8. */
  get byteLength(): number {
    return this.#source ? this.#end - this.#start : Buffer.byteLength(this.#text as string);
  }

  /** The message as a string; a binary one is decoded as UTF-8, invalid sequences become U+FFFD. */
  text(): string {
    if (this.#text === undefined) {
      this.assertWhole();
      this.#text = decode(this.#source as Uint8Array, this.#start, this.#end);
    }
    return this.#text;
  }

  /**
   * The message as bytes; a text one is encoded as UTF-8. They are the message's own: keep them, change them, or transfer their
   * buffer to a worker. Changes are changes to the message, but never to what has been sent of it. The array may be a view of a
   * larger buffer.
   */
  bytes(): Uint8Array {
    this.#bytes ??= this.#source ? this.#ownBytes(this.#source) : encoder.encode(this.#text);
    return this.#bytes;
  }

  #ownBytes(source: Uint8Array): Uint8Array {
    const start = this.#start;
    const size = this.#end - start;
    const isOwn = this.#bytes !== null && (start === 0 || isAlone(source, size));
    // A view and not the source itself: a Buffer's slice() shares memory where a Uint8Array's copies.
    if (isOwn) return new Uint8Array(source.buffer, source.byteOffset + start, size);
    this.#source = copyOf(source, start, this.#end);
    this.#start = 0;
    this.#end = size;
    return this.#source;
  }

  /**
   * @internal A message that `ws` has read. It may lie among others, or where zlib goes on writing; empty ones are all the same
   * array.
   */
  static received(data: Uint8Array, isText: boolean): Message {
    const message = new Message(data, isText);
    if (data.byteLength === 0 || data.byteLength !== data.buffer.byteLength) message.#bytes = null;
    return message;
  }

  /**
   * @internal Where a received message lies, behind the header of its frame: to be sent from there, so that from now on nobody
   * gets this memory. Undefined for other messages, and where somebody has it.
   */
  lend(): { buffer: Buffer; start: number; end: number } | undefined {
    const buffer = this.#source;
    if (this.#bytes || this.#start === 0 || !(buffer instanceof Buffer)) return undefined;
    this.#bytes = null;
    return { buffer, start: this.#start, end: this.#end };
  }

  /** @internal What the message holds, to be read at once and neither kept nor changed. */
  get content(): string | Uint8Array {
    return this.#source?.subarray(this.#start, this.#end) ?? (this.#text as string);
  }

  /** @internal @throws TypeError `SPRY_WS_DATA` where the bytes have been transferred: what is left is nothing, or another's. */
  assertWhole(): void {
    if (!this.#source || this.#source.length >= this.#end) return;
    throw createError(
      "SPRY_WS_DATA",
      "the bytes of this message have been transferred; to use it afterwards transfer a copy, message.arrayBuffer()",
    );
  }

  /** @internal Writes the bytes into a frame. @param words those of `target`, where they are at hand */
  copyInto(target: Buffer, at: number, words?: DataView): void {
    if (this.#source) copyInto(this.#source, this.#start, this.#end, target, at, words);
    else target.write(this.#text as string, at, "utf8");
  }

  /**
   * The message parsed as JSON. The type parameter is an assertion: validate what comes from a client.
   *
   * @throws SyntaxError if the text is not JSON
   */
  json<T = unknown>(): T {
    return JSON.parse(this.text());
  }

  /** A copy of the message's bytes, exactly as long as the message. */
  arrayBuffer(): ArrayBuffer {
    const { content } = this;
    const bytes = typeof content === "string" ? encoder.encode(content) : content;
    const copy = new ArrayBuffer(bytes.byteLength);
    new Uint8Array(copy).set(bytes);
    return copy;
  }

  /** The message's bytes as a Blob without a type. */
  blob(): Blob {
    return new Blob([this.arrayBuffer()]);
  }

  /** The same as `text()`, so that a message can stand in a template string. */
  toString(): string {
    return this.text();
  }
}

/** What is sent: a string is text, bytes are binary, a Message knows. */
export type Payload = string | Uint8Array | Message;

/**
 * @internal
 * @throws TypeError `SPRY_WS_DATA` for data no frame carries, before anything is sent
 */
export function toPayload(data: MessageData, caller: string): Payload {
  if (typeof data === "string") return data;
  if (data instanceof Message) {
    data.assertWhole();
    return data;
  }
  const bytes = toBytes(data);
  if (bytes) return bytes;
  throw createError(
    "SPRY_WS_DATA",
    `${caller} takes a Message, a string, an ArrayBuffer or a view of one, not ${describe(data)}; ${howToSend(data)}`,
  );
}

/** @internal A message of its own, for who may keep or change it: what becomes of the payload's memory does not matter to it. */
export function ownMessage(payload: Payload): Message {
  if (typeof payload === "string") return new Message(payload, true);
  if (!(payload instanceof Message)) return new Message(copyOf(payload, 0, payload.length), false);
  if (payload.isText) return new Message(payload.text(), true);
  const bytes = payload.content as Uint8Array;
  return new Message(copyOf(bytes, 0, bytes.length), false);
}

/** @internal */
export function isTextPayload(payload: Payload): boolean {
  return typeof payload === "string" || (payload instanceof Message && payload.isText);
}

/** A view of the same memory, or undefined for what is not bytes. Works across realms (jest, vm). */
function toBytes(data: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(data)) {
    return data instanceof Uint8Array ? data : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  return types.isArrayBuffer(data) ? new Uint8Array(data) : undefined;
}
