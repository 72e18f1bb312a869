import { encodePosition } from "@spry-ws/contract/wire";
import type { HistoryEntry, HistoryPage, HistoryPosition, HistoryRead } from "@spry-ws/core";
import { Fifo } from "../fifo.ts";
import { turn } from "./gate.ts";
import type { HistoryCounts } from "./history-counts.ts";
import { type FeedFollower, Live, type Slices } from "./live.ts";
import { type Budget, type Loaded, Pages, type Place } from "./pages.ts";
import { type Item, isSame, Run } from "./run.ts";
import { frameOf } from "./stored.ts";

/** What feeds need of the service. */
export interface FeedOwner {
  readonly counts: HistoryCounts;
  /** What the tails of all feeds hold together. */
  readonly tails: Budget;
  /** What the pages hold that were read last, of all feeds together. */
  readonly pages: Budget;
  readonly slices: Slices;
  /** Reads until it has succeeded. Rejects only when the service is closed. */
  read(topic: string, what: HistoryRead): Promise<HistoryPage>;
  /** Something is in the log that no service of this version has stored. */
  onForeign(topic: string): void;
}

/** What a tail has at most: 256 messages, and 256 KiB. */
const [tailMessages, tailBytes] = [256, 262_144];

/** How many messages may come while it is not clear yet what is in front of them. Beyond that they are read. */
const maxHeld = 1_000;

/**
 * One topic in this process: takes what the store tells of it, in order and without a hole, and brings it to all who follow it. It keeps
 * the last messages in memory, for those who come, come back or were too slow.
 */
export class Feed {
  readonly topic: string;
  /** How many use it. */
  users = 0;
  /** Since when nobody has used it, as `performance.now()`. */
  unusedSince = 0;
  readonly #owner: FeedOwner;
  readonly #pages: Pages;
  readonly #live: Live;
  #tail: Run | undefined;
  /** Where the live followers are; undefined until the store has said where the log ends. */
  #head: HistoryPosition | undefined;
  /** What has come while the head is not known, or is being checked. */
  readonly #held = new Fifo<readonly [entry: HistoryEntry, previousSeq: number | undefined]>();
  /** The head is that of the store, or newer, as far as is known. */
  #isSettled = false;
  /** The store has not said yet where the log ends, since it could not be reached. */
  #isDoubted = true;
  #healing: Promise<void> | undefined;
  /** The log has more behind the head than has come, or than could be held. */
  #isBehind = false;
  #waiting: (() => void)[] = [];
  #hasEnded = false;
  /** Something has come since the last check. */
  #isBusy = false;

  constructor(topic: string, owner: FeedOwner) {
    this.topic = topic;
    this.#owner = owner;
    this.#live = new Live(owner.slices);
    const itemsOf = ({ entries }: HistoryPage) => entries.map((entry) => this.#itemOf(entry));
    const feed = this;
    this.#pages = new Pages({
      get head() {
        return feed.#head;
      },
      get isShared() {
        return feed.users > 1;
      },
      read: (what) => owner.read(topic, what),
      itemsOf,
      remembered: owner.pages,
    });
  }

  get head(): HistoryPosition | undefined {
    return this.#head;
  }

  /** How many have got all up to the head. */
  get live(): number {
    return this.#live.size;
  }

  get counts(): HistoryCounts {
    return this.#owner.counts;
  }

  /** Resolves when the head is that of the store, or newer, and then at once. */
  async settled(): Promise<HistoryPosition> {
    while (!this.#isSettled || !this.#head) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.#head;
  }

  /** What is behind a place, where it is in memory. */
  find(position: HistoryPosition): Pick<Loaded, "run" | "index"> | undefined {
    const index = this.#tail?.indexBehind(position);
    if (this.#tail && index !== undefined && index < this.#tail.length) return { run: this.#tail, index };
    return this.#pages.find(position);
  }

  /** Reads what is behind a place. Rejects only when the service is closed. */
  async load(from: Place): Promise<Loaded> {
    const loaded = await this.#pages.load(from);
    this.#keepAsTail(loaded);
    return loaded;
  }

  /** Somebody else has got messages that have not come here. Resolves when they have. Never rejects. */
  async catchUp(): Promise<void> {
    this.#isBehind = true;
    await this.#heal();
  }

  /** From here on the follower gets what is published. It must have got all up to the head. */
  join(follower: FeedFollower): void {
    this.#live.join(follower);
  }

  leave(follower: FeedFollower): void {
    this.#live.leave(follower);
  }

  /** The store has told of a message. */
  appended(entry: HistoryEntry, previousSeq: number | undefined): void {
    if (this.#isSettled && !this.#healing && this.#accept(entry, previousSeq)) return;
    if (this.#held.length >= maxHeld) {
      this.#held.clear();
      this.#isBehind = true;
    }
    this.#held.push([entry, previousSeq]);
    if (this.#isSettled) void this.#heal();
  }

  /** The store cannot be reached: what is known of the log may be out of date. */
  unsettle(): void {
    this.#isSettled = false;
    this.#isDoubted = true;
    // Where the store lacks them after the outage, their numbers go to others.
    this.#held.clear();
  }

  /** The store has said where the log ends: at first, after an outage, and now and then. */
  check(head: HistoryPosition): void {
    if (this.#hasEnded) return;
    this.#head ??= head;
    this.#tail ??= new Run(head);
    if (this.#isBusy) this.#pages.forget();
    else this.#forget();
    this.#isBusy = false;
    // What has come meanwhile may be newer than the answer; but during an outage nothing comes.
    const isOlder = !this.#isDoubted && this.#tail?.indexBehind(head) !== undefined;
    if (!isSame(head, this.#head) && !isOlder) this.#isBehind = true;
    this.#isDoubted = false;
    void this.#heal();
  }

  /** Nobody uses it any more. */
  end(): void {
    this.#hasEnded = true;
    this.#forget();
    this.#pages.end();
    this.#live.clear();
  }

  /**
   * Takes a message that is the next one, or is known already.
   *
   * @returns false for one that is neither: the log has to be read
   */
  #accept(entry: HistoryEntry, previousSeq: number | undefined): boolean {
    const { position } = entry;
    const head = this.#head as HistoryPosition;
    if (position.epoch !== head.epoch) return false;
    if (position.seq <= head.seq)
      return isSame(position, head) || this.#tail?.indexBehind(position) !== undefined;
    if (previousSeq !== head.seq) return false;
    this.#push(this.#itemOf(entry));
    return true;
  }

  #push(item: Item): void {
    const before = this.#head as HistoryPosition;
    this.#head = item.position;
    this.#isBusy = true;
    if (this.#tail) {
      this.#tail.push(item);
      this.#owner.tails.byteLength += item.byteLength;
      this.#trimTail(this.#tail);
    }
    this.#live.push(item, before);
  }

  /** Reads what is missing behind the head, and takes what was held. Never rejects. */
  #heal(): Promise<void> {
    // Rejects where the service is closed.
    this.#healing ??= this.#readMissing().catch(() => {});
    return this.#healing;
  }

  async #readMissing(): Promise<void> {
    await undefined; // `#healing` is set when this has returned, and must not be when it has ended.
    while (this.#isBehind || !(this.#isDoubted || this.#takeHeld())) {
      this.#isBehind = false;
      await this.#readOn();
    }
    // In this turn: what comes in the next one needs another.
    this.#healing = undefined;
    if (this.#isDoubted) return; // `check` follows.
    this.#isSettled = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) void turn().then(resolve);
  }

  /** @returns false if the log has to be read first */
  #takeHeld(): boolean {
    for (let held = this.#held.first; held; held = this.#held.first) {
      if (!this.#accept(...held)) return false;
      this.#held.shift();
    }
    return true;
  }

  async #readOn(): Promise<void> {
    const from = this.#head as HistoryPosition;
    const held = this.#held.first;
    const { run, index, isGap, head, hasMore } = await this.#pages.load(from);
    if (isGap) {
      this.#startAnew(head);
      return;
    }
    // The log does not have what was held before: it is older than what is known, or of a log that is gone.
    if (run.length === index && held && this.#held.first === held) this.#held.shift();
    for (const item of run.from(index)) this.#push(item);
    this.#isBehind ||= hasMore;
  }

  /** What is missing cannot be read any more, or it is another log. */
  #startAnew(head: HistoryPosition): void {
    const lostAt = this.#head as HistoryPosition;
    this.#head = head;
    this.#forget();
    // Some may be of the log that is gone: what is of this one is read.
    this.#held.clear();
    this.#isBehind = true;
    this.#live.lose(lostAt);
  }

  /** A page that reaches the head is a longer tail: so the next who come back need none. */
  #keepAsTail({ run, isGap, hasMore }: Loaded): void {
    const last = run.at(run.length - 1);
    if (!this.#head || !last || isGap || hasMore || !isSame(last.position, this.#head)) return;
    if (!this.#tail || run.length <= this.#tail.length) return;
    this.#owner.tails.byteLength += run.byteLength - this.#tail.byteLength;
    this.#tail = new Run(run.before, run.from(0));
    this.#trimTail(this.#tail);
  }

  #trimTail(tail: Run): void {
    const { tails } = this.#owner;
    const isTooLong = () =>
      tail.length > tailMessages || tail.byteLength > tailBytes || tails.byteLength > tails.maxBytes;
    while (tail.length > 0 && isTooLong()) tails.byteLength -= tail.shift()?.byteLength ?? 0;
  }

  #forget(): void {
    this.#owner.tails.byteLength -= this.#tail?.byteLength ?? 0;
    this.#tail = this.#head && !this.#hasEnded ? new Run(this.#head) : undefined;
    this.#pages.forget();
  }

  #itemOf({ position, data }: HistoryEntry): Item {
    const frame = frameOf(this.topic, encodePosition(position), data);
    if (!frame) this.#owner.onForeign(this.topic);
    return { position, frame, byteLength: data.length };
  }
}
