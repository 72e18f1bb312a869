/** What is over sooner than this has no timer of its own, in milliseconds. */
const freshMs = 10;

/** Those that were made within the last `freshMs`. */
let fresh: Deadline[] = [];

/** Tells when time is up, unless it is cleared before. A timer costs as much as the rest of a publish, and few take so long as to need one. */
export class Deadline {
  readonly #endsAt: number;
  readonly #onOver: () => void;
  #timer: NodeJS.Timeout | undefined;
  #isCleared = false;

  /** @param endsAt as `performance.now()` */
  constructor(endsAt: number, onOver: () => void) {
    this.#endsAt = endsAt;
    this.#onOver = onOver;
    if (endsAt - performance.now() < 2 * freshMs) this.#start();
    else if (fresh.push(this) === 1) setTimeout(Deadline.#startFresh, freshMs);
  }

  clear(): void {
    this.#isCleared = true;
    clearTimeout(this.#timer);
  }

  static #startFresh(this: void): void {
    const all = fresh;
    fresh = [];
    for (const one of all) if (!one.#isCleared) one.#start();
  }

  #start(): void {
    this.#timer = setTimeout(this.#onOver, Math.max(0, this.#endsAt - performance.now()));
  }
}
