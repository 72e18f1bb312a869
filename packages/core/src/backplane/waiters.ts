import { maxTimeoutMs } from "../timers.ts";

/** Promises that wait for conditions. All conditions are checked after each change. */
export class Waiters {
  readonly #waiting = new Set<() => void>();

  /**
   * Resolves when the condition is true.
   *
   * @throws what the condition throws, or what `expired` returns after `timeoutMs` (rejects)
   */
  until(isTrue: () => boolean, timeoutMs: number, expired: () => Error): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (react: () => void) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        react();
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
