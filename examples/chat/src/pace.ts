import { setTimeout as sleep } from "node:timers/promises";

/** So many at once before anybody waits. */
const burst = 10;

/** Makes what one client says wait for its turn, in order: what is too fast is not refused, and not lost. */
export class Pace {
  readonly #everyMs: number;
  #next = 0;

  constructor(perSecond: number) {
    this.#everyMs = 1_000 / perSecond;
  }

  /** @throws AbortError where nobody waits any more */
  async turn(signal: AbortSignal): Promise<void> {
    const now = Date.now();
    this.#next = Math.max(this.#next, now - burst * this.#everyMs) + this.#everyMs;
    if (this.#next > now) await sleep(this.#next - now, undefined, { signal });
  }
}
