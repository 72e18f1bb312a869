/** What has been said: each thing once, and at most `max` things, since clients cause them and can invent more. */
export class SaidOnce {
  readonly #max: number;
  readonly #said = new Set<string>();

  constructor(max: number) {
    this.#max = max;
  }

  /** False if it has been said, or there has been enough. */
  add(thing: string): boolean {
    if (this.#said.size >= this.#max || this.#said.has(thing)) return false;
    this.#said.add(thing);
    return true;
  }
}
