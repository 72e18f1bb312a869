import { EventEmitter } from "node:events";
import { nextTick } from "node:process";

/** Node sets `corked` on what a response writes to, and counts on nothing there. */
const writableState = { corked: 0 };

/**
 * What a response with status 101 writes to in place of the client's socket: it finishes and closes as any other, and nothing of it is
 * sent. It has what Node's response wants of a socket; a stream would be a tenth of what a handshake costs.
 */
export class Unsent extends EventEmitter {
  readonly writable = true;
  readonly writableLength = 0;
  readonly writableHighWaterMark = 16_384;
  readonly _writableState: { corked: number } = writableState;
  /** The response, as Node's server has it on a socket. */
  _httpMessage: unknown = null;
  destroyed = false;
  #onClose: (() => void) | undefined;

  /** @param onClose called when the response has closed */
  constructor(onClose: (() => void) | undefined) {
    super();
    this.#onClose = onClose;
  }

  cork(): void {}

  uncork(): void {}

  setTimeout(): this {
    return this;
  }

  write(_data: unknown, encoding?: unknown, written?: unknown): boolean {
    const callback = typeof encoding === "function" ? encoding : written;
    if (typeof callback === "function") nextTick(callback as () => void);
    return true;
  }

  end(): this {
    return this.destroy();
  }

  destroy(): this {
    if (this.destroyed) return this;
    this.destroyed = true;
    nextTick(close, this);
    return this;
  }

  /** @internal */
  closed(): void {
    this.emit("close");
    const onClose = this.#onClose;
    this.#onClose = undefined;
    onClose?.();
  }
}

function close(unsent: Unsent): void {
  unsent.closed();
}
