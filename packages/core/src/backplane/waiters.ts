import { maxTimeoutMs } from "../timers.ts";

/** Those who wait for a condition, which is looked at after each change. */
export class Waiters {
  readonly #waiting = new Set<() => void>();

  /** @throws what the condition throws, or what `expired` makes after so many milliseconds (rejects) */
  until(isTrue: () => boolean, timeoutMs: number, expired: () => Error): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (end: () => void) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        end();
      };
      const look = () => {
        try {
          if (isTrue()) settle(resolve);
        } catch (error) {
          settle(() => reject(error));
        }
      };
      const timer = setTimeout(() => settle(() => reject(expired())), Math.min(timeoutMs, maxTimeoutMs));
      this.#waiting.add(look);
      look();
    });
  }

  changed(): void {
    for (const look of this.#waiting) look();
  }
}
