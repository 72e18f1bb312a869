/** How long to wait before another attempt. */
export interface BackoffOptions {
  /** The longest first pause, in milliseconds. For each further pause this bound is doubled. @default 500 */
  firstDelayMs?: number;
  /** The longest pause of all, in milliseconds. @default 20_000 // 20 seconds */
  maxDelayMs?: number;
  /** How long a connection must last for the pauses to begin with `firstDelayMs` again, in milliseconds. @default 5_000 */
  stableMs?: number;
}

/**
 * Each pause is a random time up to a bound that doubles (full jitter), so that the clients of a server that was lost do not all come
 * back at once. Only a connection that lasts for `stableMs` sets the bound back.
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
