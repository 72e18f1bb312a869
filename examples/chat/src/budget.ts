/**
 * How many messages of one kind a client may send in a second. Each kind has its own: whoever types a lot may say as much as before.
 */
export class Budget {
  readonly #perSecond: number;
  #left: number;
  #since = Date.now();

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#left = perSecond;
  }

  /** Whether there was one left, which is spent now. */
  spend(): boolean {
    const now = Date.now();
    if (now - this.#since >= 1_000) {
      this.#since = now;
      this.#left = this.#perSecond;
    }
    if (this.#left === 0) return false;
    this.#left--;
    return true;
  }
}
