/** A list that grows at its end and shrinks at its front, both in no time. */
export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #start = 0;

  get length(): number {
    return this.#items.length - this.#start;
  }

  get first(): T | undefined {
    return this.#items[this.#start];
  }

  at(index: number): T | undefined {
    return this.#items[this.#start + index];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const first = this.#items[this.#start];
    this.#items[this.#start++] = undefined;
    // Rarely enough that each item is moved once on average.
    if (this.#start > 32 && this.#start * 2 > this.#items.length) {
      this.#items.splice(0, this.#start);
      this.#start = 0;
    }
    return first;
  }

  /** Removes the items for which this is false. */
  filter(isWanted: (item: T) => boolean): void {
    this.#items = (this.#items.slice(this.#start) as T[]).filter(isWanted);
    this.#start = 0;
  }

  clear(): void {
    this.#items = [];
    this.#start = 0;
  }
}
