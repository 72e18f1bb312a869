/** Remembers what has been said, so that it is said only once. At most `max` things are said, since clients can cause any number. */
export class SaidOnce {
  readonly #max: number;
  readonly #said = new Set<string>();

  constructor(max: number) {
    this.#max = max;
  }

  /** @returns whether to say it: false if it has been said, or `max` things have been said */
  add(thing: string): boolean {
    if (this.#said.size >= this.#max || this.#said.has(thing)) return false;
    this.#said.add(thing);
    return true;
  }
}
