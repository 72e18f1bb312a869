import type { RateLimitOptions } from "../options/options.ts";

/** The token buckets of one peer, for messages and for bytes. */
export class RateLimiter {
  readonly #options: Required<RateLimitOptions>;
  #messages: number;
  #bytes: number;
  #filledAt: number = performance.now();

  constructor(options: Required<RateLimitOptions>) {
    this.#options = options;
    this.#messages = options.messages;
    this.#bytes = options.bytes;
  }

  /** Takes one message of so many bytes out of the buckets; false if there is not enough in them. */
  take(size: number): boolean {
    const { messages, bytes, perMs } = this.#options;
    const now = performance.now();
    const share = (now - this.#filledAt) / perMs;
    this.#filledAt = now;
    this.#messages = Math.min(messages, this.#messages + share * messages) - 1;
    this.#bytes = Math.min(bytes, this.#bytes + share * bytes) - size;
    return (messages === 0 || this.#messages >= 0) && (bytes === 0 || this.#bytes >= 0);
  }
}
