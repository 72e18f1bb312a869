/** How much may be read for one peer: so many bytes in a second, and as many at once. */
export class Allowance {
  readonly #perSecond: number;
  #left: number;
  #at = 0;

  constructor(bytesPerSecond: number) {
    this.#perSecond = bytesPerSecond;
    this.#left = bytesPerSecond;
  }

  /** Takes so many bytes. @returns for how many milliseconds the next have to wait */
  take(bytes: number): number {
    const now = performance.now();
    this.#left = Math.min(this.#perSecond, this.#left + ((now - this.#at) * this.#perSecond) / 1_000) - bytes;
    this.#at = now;
    return Math.max(0, (-this.#left * 1_000) / this.#perSecond);
  }
}
