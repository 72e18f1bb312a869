import type { HistoryPosition } from "@spry-ws/core";
import { Fifo } from "../fifo.ts";

/** What was appended under an id. */
interface Named {
  readonly ids: LogIds;
  readonly id: string;
  readonly position: HistoryPosition;
  /** Until when it is known, as `performance.now()`. */
  readonly until: number;
}

/** Bounds the ids of all logs of a store: beyond a number the oldest are forgotten. */
export class MemoryIds {
  readonly #most: number;
  /** Those that are remembered, oldest first, and some that are not any more. */
  readonly #order = new Fifo<Named>();
  #count = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** How many are remembered. */
  get count(): number {
    return this.#count;
  }

  added(named: Named): void {
    this.#count++;
    this.#order.push(named);
    while (this.#count > this.#most) {
      const oldest = this.#order.shift();
      oldest?.ids.forget(oldest);
    }
    if (this.#order.length > 2 * this.#count + 1_000) this.#order.filter((one) => one.ids.has(one));
  }

  forgot(count: number): void {
    this.#count -= count;
    if (this.#count === 0) this.#order.clear();
  }
}

/** The ids of one log. */
export class LogIds {
  readonly #all: MemoryIds;
  /** In the order in which they came, which is nearly that in which they expire. */
  readonly #ids = new Map<string, Named>();

  constructor(all: MemoryIds) {
    this.#all = all;
  }

  /** Where the message with this id is, if it is remembered. */
  find(id: string, now: number): HistoryPosition | undefined {
    this.expire(now);
    const named = this.#ids.get(id);
    return named && named.until > now ? named.position : undefined;
  }

  /** An id that is not remembered. */
  add(id: string, position: HistoryPosition, until: number): void {
    const expired = this.#ids.get(id);
    if (expired) this.forget(expired);
    const named = { ids: this, id, position, until };
    this.#ids.set(id, named);
    this.#all.added(named);
  }

  has(named: Named): boolean {
    return this.#ids.get(named.id) === named;
  }

  forget(named: Named): void {
    if (!this.has(named)) return;
    this.#ids.delete(named.id);
    this.#all.forgot(1);
  }

  expire(now: number): void {
    for (const named of this.#ids.values()) {
      if (named.until > now) break;
      this.forget(named);
    }
  }

  clear(): void {
    const { size } = this.#ids;
    this.#ids.clear();
    this.#all.forgot(size);
  }
}
