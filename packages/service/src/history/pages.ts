import { encodePosition } from "@spry-ws/contract/wire";
import type { HistoryPage, HistoryPosition, HistoryRead } from "@spry-ws/core";
import { turn } from "./gate.ts";
import { type Item, Run } from "./run.ts";

/** Where somebody is in a log, or wants to begin. */
export type Place = HistoryRead["from"];

/** A part of a log that was read, from a place on. */
export interface Loaded {
  readonly run: Run;
  /** The first item behind the place. */
  readonly index: number;
  /** Messages may be missing between the place and the run, which then begins with the oldest that is kept. */
  readonly isGap: boolean;
  readonly head: HistoryPosition;
  readonly hasMore: boolean;
}

export interface PagesOwner {
  /** Where the log ends, as far as is known. */
  readonly head: HistoryPosition | undefined;
  /** Whether more than one want something of the log. */
  readonly isShared: boolean;
  /** Reads until it has succeeded. Rejects only when the service is closed. */
  read(what: HistoryRead): Promise<HistoryPage>;
  itemsOf(page: HistoryPage): readonly Item[];
  /** What the remembered pages of all topics hold together. */
  readonly remembered: Budget;
}

/** Bytes that are shared by all topics. */
export interface Budget {
  byteLength: number;
  readonly maxBytes: number;
}

/** What one page has at most: 256 messages, and 256 KiB. */
const [pageMessages, pageBytes] = [256, 262_144];

/**
 * How many pages of a topic are remembered, where all topics together have room for them. Slow clients are far apart in the log of a busy
 * topic: with fewer pages, each would read every page for itself.
 */
const maxPages = 16;

interface Waiter {
  readonly from: Place;
  readonly resolve: (loaded: Loaded) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Reads the log of one topic in pages, for all who want some of it: one at a time, and each for all who find their place in it. The
 * last ones are remembered.
 */
export class Pages {
  readonly #owner: PagesOwner;
  #waiting: Waiter[] = [];
  #isReading = false;
  /** The newest messages have been read. */
  #hasNewest = false;
  readonly #recent: Run[] = [];
  #hasEnded = false;

  constructor(owner: PagesOwner) {
    this.#owner = owner;
  }

  /** Finds what is behind a place among the last pages. */
  find(position: HistoryPosition): Pick<Loaded, "run" | "index"> | undefined {
    for (const run of this.#recent) {
      const index = run.indexBehind(position);
      if (index !== undefined && index < run.length) return { run, index };
    }
    return undefined;
  }

  /** Reads what is behind a place. Rejects only when the service is closed. */
  load(from: Place): Promise<Loaded> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ from, resolve, reject });
      // In a later turn, so that others who come in this one share the read.
      if (this.#waiting.length === 1 && !this.#isReading) setImmediate(() => void this.#readNext());
    });
  }

  forget(): void {
    this.#bound(0);
    this.#hasNewest = false;
  }

  /** Nobody uses the topic any more. */
  end(): void {
    this.#hasEnded = true;
    this.forget();
  }

  #remember(run: Run): void {
    if (this.#hasEnded) return;
    const { remembered } = this.#owner;
    this.#recent.unshift(run);
    remembered.byteLength += run.byteLength;
    this.#bound(maxPages);
    while (this.#recent.length > 0 && remembered.byteLength > remembered.maxBytes)
      this.#bound(this.#recent.length - 1);
  }

  #bound(count: number): void {
    for (const { byteLength } of this.#recent.splice(count)) this.#owner.remembered.byteLength -= byteLength;
  }

  async #readNext(): Promise<void> {
    const from = this.#nextPlace();
    if (from === undefined) return;
    this.#isReading = true;
    // Whoever comes while it is under way may want what is appended meanwhile.
    const waiting = this.#waiting;
    this.#waiting = [];
    try {
      const page = await this.#owner.read({ from, maxMessages: pageMessages, maxBytes: pageBytes });
      const run = new Run(
        page.isContinuous && isPosition(from) ? from : undefined,
        this.#owner.itemsOf(page),
      );
      this.#remember(run);
      const rest = this.#share(waiting, from, page, run);
      this.#waiting = [...rest, ...this.#share(this.#waiting, from, page, run, 1)];
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
    this.#isReading = false;
    if (this.#waiting.length > 0) void this.#readNext();
  }

  /**
   * Where the next page begins: at the oldest place that is wanted. Where many come back at once, as to a new process, all have missed a
   * few messages: then the newest are read first, whoever comes first.
   */
  #nextPlace(): Place | undefined {
    const oldest = oldestOf(this.#waiting.map(({ from }) => from));
    const { head, isShared } = this.#owner;
    if (!isShared || this.#hasNewest || !head || !oldest || !isPosition(oldest)) return oldest;
    const missed = head.seq - oldest.seq;
    if (oldest.epoch !== head.epoch || missed <= 0 || missed >= pageMessages) return oldest;
    this.#hasNewest = true;
    return { last: pageMessages };
  }

  /**
   * Gives a page to those who find their place in it, with so many messages behind it at least, or for whom it shows that what is behind it
   * is gone.
   *
   * @returns the others
   */
  #share(waiting: readonly Waiter[], from: Place, page: HistoryPage, run: Run, atLeast = 0): Waiter[] {
    const rest: Waiter[] = [];
    for (const waiter of waiting) {
      const loaded = loadedFor(waiter.from, from, page, run);
      if (!loaded || run.length - loaded.index < atLeast) rest.push(waiter);
      else if (waiting.length === 1) waiter.resolve(loaded);
      else void turn().then(() => waiter.resolve(loaded));
    }
    return rest;
  }
}

function loadedFor(place: Place, from: Place, page: HistoryPage, run: Run): Loaded | undefined {
  const { head, hasMore, isContinuous } = page;
  if (keyOf(place) === keyOf(from)) return { run, index: 0, isGap: !isContinuous, head, hasMore };
  if (!isPosition(place)) return undefined;
  const index = isContinuous ? run.indexBehind(place) : undefined;
  if (index !== undefined) return { run, index, isGap: false, head, hasMore };
  // Where what is behind a place is not kept, that behind an older one is not either. Of another log, other places may still be known.
  const oldest = run.at(0)?.position ?? head;
  const isTrimmed = !isContinuous && isPosition(from) && oldest.epoch === from.epoch && oldest.seq > from.seq;
  if (isTrimmed && place.epoch === from.epoch && place.seq <= from.seq)
    return { run, index: 0, isGap: true, head, hasMore };
  return undefined;
}

export function isPosition(place: Place): place is HistoryPosition {
  return typeof place === "object" && "epoch" in place;
}

function keyOf(place: Place): string {
  if (place === "start") return place;
  return isPosition(place) ? encodePosition(place) : String(place.last);
}

/** The oldest position: a page from there on has the most for the others. Else whoever came first. */
function oldestOf(places: readonly Place[]): Place | undefined {
  const [first] = places;
  if (first === undefined || !isPosition(first)) return first;
  return places.filter(isPosition).reduce((one, other) => {
    return other.epoch === one.epoch && other.seq < one.seq ? other : one;
  }, first);
}
