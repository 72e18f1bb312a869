import type { HistoryPosition } from "@spry-ws/core";
import type { Item } from "./run.ts";

/** Who gets what is published to a topic, from when it has got all that was published before. */
export interface FeedFollower {
  /** How many of the items it was given, or that came before it joined. Kept by `Live`. */
  givenUpTo: number;
  /** @returns false if the follower cannot take it now. It goes on by itself then, from what is in front of it */
  deliver(item: Item, before: HistoryPosition): boolean;
  /** Messages may be missing behind this place. The follower goes on by itself. */
  lost(at: HistoryPosition): void;
}

/** How followers are given items. */
export interface Slices {
  /** So many followers are given an item at once. */
  readonly atOnce: number;
  /** After so many followers the clock is looked at. */
  readonly perLook: number;
  /** For how long the event loop is held at once, in milliseconds. */
  readonly ms: number;
}

export const defaultSlices: Slices = { atOnce: 16, perLook: 8, ms: 5 };

/** With more, all followers are given at once what waits: it must not grow where items come faster than they go. */
const [maxWaiting, maxWaitingBytes] = [1_024, 262_144];

/** Those with a round that did not end in one slice. */
const rests: Live[] = [];

interface Waiting {
  readonly item: Item;
  readonly before: HistoryPosition;
}

/**
 * The followers of a topic that have got all there is. Each is given every item once and in order: where they are few, at once; where
 * they are many, those of one turn of the event loop together, and in slices, so that the event loop does its other work in between.
 */
export class Live {
  readonly #slices: Slices;
  readonly #followers = new Set<FeedFollower>();
  /** How many items there have been. */
  #count = 0;
  /** The last of them, which not all followers have been given. */
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  /** Those that are still to be looked at in this round. */
  #round: Iterator<FeedFollower> | undefined;
  /** How many items there were when the round began. */
  #roundFrom = 0;

  constructor(slices: Slices) {
    this.#slices = slices;
  }

  get size(): number {
    return this.#followers.size;
  }

  /** The follower must have got all that was pushed so far. */
  join(follower: FeedFollower): void {
    follower.givenUpTo = this.#count;
    this.#followers.add(follower);
  }

  /** It is given nothing more, also of what was pushed before. */
  leave(follower: FeedFollower): void {
    this.#followers.delete(follower);
  }

  push(item: Item, before: HistoryPosition): void {
    this.#count++;
    this.#waiting.push({ item, before });
    this.#waitingBytes += item.byteLength;
    const isLittle = this.#waiting.length < maxWaiting && this.#waitingBytes < maxWaitingBytes;
    if (isLittle && this.#round) return;
    if (!isLittle || this.#followers.size <= this.#slices.atOnce) {
      this.#giveAll();
      return;
    }
    this.#begin();
    queueMicrotask(() => this.#slice());
  }

  /** Gives all of them what waits, and lets them go: messages may be missing behind this place. */
  lose(at: HistoryPosition): void {
    this.#giveAll();
    const all = [...this.#followers];
    this.#followers.clear();
    for (const follower of all) follower.lost(at);
  }

  /** Nobody is given anything more. */
  clear(): void {
    this.#followers.clear();
    this.#forget(this.#count);
  }

  #begin(): void {
    this.#round = this.#followers.values();
    this.#roundFrom = this.#count;
  }

  #slice(): void {
    const { perLook, ms } = this.#slices;
    const until = performance.now() + ms;
    for (let looked = 1; this.#round; looked++) {
      const { value: follower } = this.#round.next();
      if (follower) this.#give(follower);
      else this.#endRound();
      if (looked % perLook === 0 && performance.now() >= until) break;
    }
    if (this.#round && rests.push(this) === 1) setImmediate(Live.#goOn);
  }

  /** One slice in each turn of the event loop, of whichever topic has waited longest. */
  static #goOn(this: void): void {
    (rests[0] as Live).#slice();
    rests.shift();
    if (rests.length > 0) setImmediate(Live.#goOn);
  }

  /** Some may have been looked at before the last items came. */
  #endRound(): void {
    this.#forget(this.#roundFrom);
    if (this.#waiting.length > 0) this.#begin();
    else this.#round = undefined;
  }

  #giveAll(): void {
    for (const follower of this.#followers) this.#give(follower);
    this.#forget(this.#count);
  }

  #give(follower: FeedFollower): void {
    for (let next = this.#nextOf(follower); next; next = this.#nextOf(follower)) {
      follower.givenUpTo++;
      if (follower.deliver(next.item, next.before)) continue;
      this.#followers.delete(follower);
      return;
    }
  }

  #nextOf({ givenUpTo }: FeedFollower): Waiting | undefined {
    return this.#waiting[givenUpTo - this.#count + this.#waiting.length];
  }

  /** All have been given so many of the items. */
  #forget(upTo: number): void {
    const first = this.#count - this.#waiting.length;
    for (const { item } of this.#waiting.splice(0, upTo - first)) this.#waitingBytes -= item.byteLength;
  }
}
