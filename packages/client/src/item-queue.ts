/**
 * Values that come at any time, to be read one by one with async iteration. The queue has no bound: whoever pushes has to look at
 * `size`.
 */
export class ItemQueue<T> implements AsyncIterableIterator<T, undefined> {
  readonly #onReturn: () => void;
  readonly #onRead: ((item: T) => void) | undefined;
  #items: T[] = [];
  #readers: { resolve(result: IteratorResult<T, undefined>): void; reject(error: unknown): void }[] = [];
  #end: { readonly error?: unknown } | undefined;

  /**
   * @param onReturn called when the reader stops reading, as with `break` in a loop
   * @param onRead called with each value that the reader gets
   */
  constructor(onReturn: () => void, onRead?: (item: T) => void) {
    this.#onReturn = onReturn;
    this.#onRead = onRead;
  }

  /** How many values wait to be read. */
  get size(): number {
    return this.#items.length;
  }

  push(item: T): void {
    if (this.#end) return;
    this.#items.push(item);
    this.#readers.shift()?.resolve(this.#take());
  }

  /** Drops all values that wait. */
  clear(): void {
    this.#items = [];
  }

  /** No more values come. Those that wait can still be read; then the loop ends, or throws the error. */
  end(end: { readonly error?: unknown } = {}): void {
    if (this.#end) return;
    const readers = this.#readers;
    this.#readers = [];
    // The error is thrown only once: to those who wait, or else to the next reader.
    this.#end = readers.length > 0 ? {} : end;
    for (const { resolve, reject } of readers) {
      if ("error" in end) reject(end.error);
      else resolve({ done: true, value: undefined });
    }
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#items.length > 0) return Promise.resolve(this.#take());
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

  #take(): IteratorYieldResult<T> {
    const value = this.#items.shift() as T;
    this.#onRead?.(value);
    return { done: false, value };
  }
}
