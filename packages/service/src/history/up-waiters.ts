interface Waiter {
  start(): void;
  fail(): void;
}

/** Work that waits until the store can be used. */
export class UpWaiters {
  readonly #waiting = new Set<Waiter>();

  /**
   * Begins the work with `start`, after all that waits for longer.
   *
   * @param failure the error (rejects) where that takes longer than `ms`, or the store cannot be used without a change
   */
  run<T>(ms: number, work: () => Promise<T>, failure: () => Error): Promise<T> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(waiter);
      };
      const waiter: Waiter = {
        start() {
          leave();
          resolve(work());
        },
        fail() {
          leave();
          reject(failure());
        },
      };
      const timer = setTimeout(() => waiter.fail(), Math.min(ms, 2 ** 31 - 1));
      this.#waiting.add(waiter);
    });
  }

  start(): void {
    for (const waiter of this.#waiting) waiter.start();
  }

  fail(): void {
    for (const waiter of this.#waiting) waiter.fail();
  }
}
