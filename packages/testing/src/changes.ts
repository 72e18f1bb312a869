/** Waits for what events bring. */
export class Changes {
  readonly #timeoutMs: number;
  readonly #waiting = new Set<() => void>();

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Something has changed: what is waited for may be true now. */
  note(): void {
    for (const changed of this.#waiting) changed();
    this.#waiting.clear();
  }

  /**
   * @param what for the text of the error
   * @param detail more for that text
   * @throws Error when it is not true after `timeoutMs`
   */
  async until(isTrue: () => boolean, what: string, detail: () => string): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const expired = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`waited ${this.#timeoutMs} ms for ${what}; ${detail()}`));
      }, this.#timeoutMs);
    });
    while (!isTrue()) {
      const changed = new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
      });
      await Promise.race([changed, expired]);
    }
    clearTimeout(timer);
  }
}
