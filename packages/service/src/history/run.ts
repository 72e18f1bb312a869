import type { HistoryPosition } from "@spry-ws/core";
import type { SharedMessage } from "@spry-ws/core/adapter";
import { Fifo } from "../fifo.ts";

/** A message of a log, framed for its subscribers. */
export interface Item {
  readonly position: HistoryPosition;
  /** Undefined for what is no message of this library: it has a place in the log, and is sent to nobody. */
  readonly frame: SharedMessage | undefined;
  readonly byteLength: number;
}

export function isSame(one: HistoryPosition, other: HistoryPosition): boolean {
  return one.seq === other.seq && one.tag === other.tag && one.epoch === other.epoch;
}

/** A part of a log in memory, without a hole. */
export class Run {
  readonly #items = new Fifo<Item>();
  /** The place in front of the first item; undefined where it is not known. */
  #before: HistoryPosition | undefined;
  #byteLength = 0;

  constructor(before: HistoryPosition | undefined, items: Iterable<Item> = []) {
    this.#before = before;
    for (const item of items) this.push(item);
  }

  get before(): HistoryPosition | undefined {
    return this.#before;
  }

  get length(): number {
    return this.#items.length;
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  at(index: number): Item | undefined {
    return this.#items.at(index);
  }

  push(item: Item): void {
    this.#items.push(item);
    this.#byteLength += item.byteLength;
  }

  shift(): Item | undefined {
    const first = this.#items.shift();
    if (!first) return undefined;
    this.#before = first.position;
    this.#byteLength -= first.byteLength;
    return first;
  }

  /** The items from an index on. */
  *from(index: number): Iterable<Item> {
    for (let at = index, item = this.at(at); item; item = this.at(++at)) yield item;
  }

  /** The index of the item behind a place: the length of the run, if that is its end. Undefined if the place is not in it. */
  indexBehind(position: HistoryPosition): number | undefined {
    if (this.#before && isSame(this.#before, position)) return 0;
    let [low, high] = [0, this.length - 1];
    while (low <= high) {
      const middle = (low + high) >> 1;
      const { position: found } = this.at(middle) as Item;
      if (found.seq === position.seq) return isSame(found, position) ? middle + 1 : undefined;
      if (found.seq < position.seq) low = middle + 1;
      else high = middle - 1;
    }
    return undefined;
  }
}
