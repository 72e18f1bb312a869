import { setImmediate as turn } from "node:timers/promises";
import type { NatsConnectionLike, NatsMessageLike, NatsSubscriptionLike } from "./types.ts";

/** A connection whose number of subscriptions the server limits. */
export interface Limited {
  readonly connection: NatsConnectionLike;
  /** How many the server has refused so far; it does not say which. */
  readonly refusals: number;
  readonly lastRefusal: Error | undefined;
  answer(): Promise<void>;
}

export interface Wanted {
  readonly subject: string;
  readonly callback: (error: Error | null, message: NatsMessageLike) => void;
  /** Set when nobody wants it any more. */
  readonly isLeft: boolean;
  /** Why the server has refused it. */
  error: Error | undefined;
  made: NatsSubscriptionLike | undefined;
}

interface Waiting {
  readonly wanted: readonly Wanted[];
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Makes the subscriptions of all links of a connection, and finds out which of them the server has refused. Most often it refuses
 * none, and then no call waits for another. When it refuses any because there are too many (`max_subscriptions`), those under way
 * are made again, one lot after the other. The server takes them in order, so after n refusals the last n of the lot are those it
 * has refused. The rest is made again until there are no refusals.
 */
export class SubscriptionQueue {
  readonly #limited: Limited;
  #waiting: Waiting[] = [];
  #isSorting = false;

  constructor(limited: Limited) {
    this.#limited = limited;
  }

  /** Settles when the server has taken or refused all of them. Those that it has refused have an `error` then. */
  async subscribe(wanted: readonly Wanted[]): Promise<void> {
    if (!this.#isSorting) {
      const { refusals } = this.#limited;
      await this.#make(wanted);
      if (this.#limited.refusals === refusals) return;
    }
    await this.sort(wanted);
  }

  /** Makes subscriptions again, some of which may have been refused. Settles as `subscribe` does. */
  sort(wanted: readonly Wanted[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ wanted, resolve, reject });
      if (!this.#isSorting) void this.#sortAll();
    });
  }

  /** Never rejects. */
  async #sortAll(): Promise<void> {
    this.#isSorting = true;
    // Waits for other calls that were under way at the same time, to take them into the same lot.
    await turn();
    while (this.#waiting.length > 0) {
      const lot = this.#waiting;
      this.#waiting = [];
      try {
        await this.#sortLot(lot.flatMap(({ wanted }) => wanted));
        for (const { resolve } of lot) resolve();
      } catch (error) {
        for (const { reject } of lot) reject(error);
      }
    }
    this.#isSorting = false;
  }

  async #sortLot(wanted: readonly Wanted[]): Promise<void> {
    let left = wanted;
    for (;;) {
      for (const { made } of left) made?.unsubscribe();
      left = left.filter(({ isLeft, error }) => !isLeft && !error);
      if (left.length === 0) return;
      const { refusals } = this.#limited;
      await this.#make(left);
      const refused = this.#limited.refusals - refusals;
      if (refused === 0) return;
      for (const one of left.slice(-refused)) one.error ??= this.#limited.lastRefusal;
    }
  }

  async #make(wanted: readonly Wanted[]): Promise<void> {
    const { connection } = this.#limited;
    for (const one of wanted) one.made = connection.subscribe(one.subject, { callback: one.callback });
    await this.#limited.answer();
    // The server sends a refusal before the answer, but the client tells of it some microtasks later.
    await turn();
  }
}
