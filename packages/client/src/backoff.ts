/** How long to wait before another attempt. */
export interface BackoffOptions {
  /** The bound of the first pause, in milliseconds; that of each further one is twice as long. @default 500 */
  firstDelayMs?: number;
  /** The longest bound. @default 20_000 // 20 seconds */
  maxDelayMs?: number;
  /** How long a connection must last for the pauses to begin anew, in milliseconds. @default 5_000 */
  stableMs?: number;
}

/**
 * Pauses at random up to a bound that doubles (full jitter), so that the clients of a server that has gone do not come back
 * together. Connections that open and end at once change nothing: only one that lasts begins anew.
 */
export class Backoff {
  readonly #firstMs: number;
  readonly #maxMs: number;
  readonly #stableMs: number;
  #failures = 0;
  #openedAt = 0;

  constructor({ firstDelayMs = 500, maxDelayMs = 20_000, stableMs = 5_000 }: BackoffOptions) {
    this.#firstMs = firstDelayMs;
    this.#maxMs = maxDelayMs;
    this.#stableMs = stableMs;
  }

  opened(): void {
    this.#openedAt = Date.now();
  }

  /** The pause after a connection or an attempt has ended. */
  nextMs(): number {
    if (this.#openedAt && Date.now() - this.#openedAt >= this.#stableMs) this.#failures = 0;
    this.#openedAt = 0;
    return Math.random() * Math.min(this.#maxMs, this.#firstMs * 2 ** this.#failures++);
  }
}
