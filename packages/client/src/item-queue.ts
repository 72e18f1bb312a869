/**
 * Values that come on their own, read one by one: what async iteration reads. What nobody reads is bounded by whoever pushes,
 * who looks at `size`.
 */
export class ItemQueue<T> implements AsyncIterableIterator<T, undefined> {
  readonly #onReturn: () => void;
  #items: T[] = [];
  #readers: { resolve(result: IteratorResult<T, undefined>): void; reject(error: unknown): void }[] = [];
  #end: { readonly error?: unknown } | undefined;

  /** @param onReturn called when the reader has had enough: `break` in a loop */
  constructor(onReturn: () => void) {
    this.#onReturn = onReturn;
  }

  /** How many wait to be read. */
  get size(): number {
    return this.#items.length;
  }

  push(item: T): void {
    if (this.#end) return;
    const reader = this.#readers.shift();
    if (reader) reader.resolve({ done: false, value: item });
    else this.#items.push(item);
  }

  /** Gives up the oldest that wait. */
  clear(): void {
    this.#items = [];
  }

  /** What waits can still be read; then the reading ends, or throws. */
  end(end: { readonly error?: unknown } = {}): void {
    if (this.#end) return;
    const readers = this.#readers;
    this.#readers = [];
    // An error comes once: to whoever waits, or to the next who asks.
    this.#end = readers.length > 0 ? {} : end;
    for (const { resolve, reject } of readers) {
      if ("error" in end) reject(end.error);
      else resolve({ done: true, value: undefined });
    }
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#items.length > 0) return Promise.resolve({ done: false, value: this.#items.shift() as T });
    const end = this.#end;
    if (!end) return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
    this.#end = {};
    return "error" in end ? Promise.reject(end.error) : Promise.resolve({ done: true, value: undefined });
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.clear();
    this.end();
    this.#onReturn();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
