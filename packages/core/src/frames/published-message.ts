import { constants, deflateRawSync } from "node:zlib";
import { isTextPayload, Message, type Payload } from "../message.ts";
import type { PerMessageDeflateOptions } from "../options/options.ts";
import { type Frame, frameCompressed, frameMessage } from "./frame.ts";
import type { DeflateInternals } from "./ws-internals.ts";

/** One published message: framed when the first peer needs it, and compressed once for each size of window. */
export class PublishedMessage {
  readonly size: number;
  #payload: Payload;
  #isKept = false;
  readonly #isText: boolean;
  readonly #deflate: false | PerMessageDeflateOptions;
  #plain: Frame | undefined;
  #compressed: Map<number, Frame> | undefined;

  constructor(payload: Payload, deflate: false | PerMessageDeflateOptions) {
    this.#payload = payload;
    this.size = typeof payload === "string" ? Buffer.byteLength(payload) : payload.byteLength;
    this.#isText = isTextPayload(payload);
    this.#deflate = deflate;
  }

  get payload(): Payload {
    if (this.#isKept && typeof this.#payload !== "string") {
      const { buffer, end } = this.#frame();
      const bytes = buffer.subarray(end - this.size, end);
      this.#payload = this.#isText ? bytes.toString() : bytes;
    }
    return this.#payload;
  }

  /** Frames the message for all peers now: it is sent later, and the memory that its bytes lie in is the user's. */
  keep(): Frame {
    this.#isKept = true;
    return this.#frame();
  }

  frameFor(deflate: DeflateInternals | undefined): Frame | undefined {
    if (!deflate || !this.#deflate) return this.#frame();
    // With context takeover each peer's stream is its own: a shared frame would corrupt the messages after it.
    if (!deflate.params.server_no_context_takeover) return undefined;
    const windowBits = deflate.params.server_max_window_bits ?? 15;
    // zlib cannot make a raw stream with a window of 8 bits; uncompressed is always allowed (RFC 7692 section 6).
    if (this.size < (this.#deflate.threshold ?? 0) || windowBits === 8) return this.#frame();
    return this.#compress(windowBits, this.#deflate);
  }

  #frame(): Frame {
    this.#plain ??= { ...frameMessage(this.#payload, this.size, this.#isText, true) };
    return this.#plain;
  }

  #compress(windowBits: number, { zlibDeflateOptions }: PerMessageDeflateOptions): Frame {
    this.#compressed ??= new Map();
    let frame = this.#compressed.get(windowBits);
    if (!frame) {
      const data = this.#payload instanceof Message ? this.#payload.content : this.#payload;
      const deflated = deflateRawSync(data, {
        ...zlibDeflateOptions,
        windowBits,
        finishFlush: constants.Z_SYNC_FLUSH,
      });
      // The last four bytes of a flushed block are left out (RFC 7692 section 7.2.1).
      frame = { ...frameCompressed(deflated.subarray(0, -4), this.#isText) };
      this.#compressed.set(windowBits, frame);
    }
    return frame;
  }
}
