import { setTimeout as sleep } from "node:timers/promises";
import { encodeFrame, encodePosition, type ServerFrame } from "@spry-ws/contract/wire";
import type { HistoryPosition } from "@spry-ws/core";
import { SharedMessage } from "@spry-ws/core/adapter";
import type { Allowance } from "./allowance.ts";
import type { Feed } from "./feed.ts";
import { turn } from "./gate.ts";
import type { FeedFollower } from "./live.ts";
import { isPosition, type Loaded, type Place } from "./pages.ts";
import { type Item, isSame, type Run } from "./run.ts";

/** Who is sent the messages: one connection of a client. */
export interface FollowerPeer {
  readonly isOpen: boolean;
  /** How much may be read for it. */
  readonly allowance: Allowance;
  /** @returns false if it is not sent, and `drained` tells when it may be */
  offer(message: SharedMessage): boolean;
  drained(): Promise<void>;
}

/** Where a client wants to begin; undefined where it has sent what is no position. */
export type Beginning = "now" | Place | undefined;

export interface FollowerOptions {
  readonly feed: Feed;
  readonly peer: FollowerPeer;
  readonly from: Beginning;
  /** Makes the snapshot, as it is sent: reports its errors, and is undefined then. */
  readonly snapshot: (() => Promise<{ readonly data: unknown } | undefined>) | undefined;
  /** The subscription cannot be answered, as there is no snapshot. */
  refuse(): void;
}

/**
 * One client's way through the log of a topic. It sends what is behind its place, from memory or read in pages, as fast as the client
 * takes it, and when nothing is left it joins those who get what is published. A client that does not take it leaves them, and goes on
 * from its place. So all that is kept for a slow client is its place.
 */
export class Follower implements FeedFollower {
  givenUpTo = 0;
  readonly #feed: Feed;
  readonly #peer: FollowerPeer;
  readonly #options: FollowerOptions;
  /** While it is not live: what comes next is behind this. */
  #at: Place = "start";
  #isEnded = false;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#feed = options.feed;
    this.#peer = options.peer;
  }

  /** Answers the subscription, and goes on until `end`. */
  start(): void {
    this.#run(async () => {
      if (await this.#begin()) await this.#goOn();
    });
  }

  end(): void {
    this.#isEnded = true;
    this.#feed.leave(this);
  }

  deliver({ frame }: Item, before: HistoryPosition): boolean {
    if (!frame || this.#peer.offer(frame)) return true;
    this.#feed.counts.slow++;
    this.#at = before;
    this.#run(async () => {
      await this.#peer.drained();
      await turn();
      await this.#goOn();
    });
    return false;
  }

  lost(at: HistoryPosition): void {
    this.#at = at;
    this.#run(() => this.#goOn());
  }

  get #isOver(): boolean {
    return this.#isEnded || !this.#peer.isOpen;
  }

  get #isAtHead(): boolean {
    const { head } = this.#feed;
    return head !== undefined && isPosition(this.#at) && isSame(this.#at, head);
  }

  #run(work: () => Promise<void>): void {
    // It rejects only when the service is closed: then the peer is too.
    void work().catch(() => {});
  }

  /** Answers the subscription. False if it has ended. */
  async #begin(): Promise<boolean> {
    const { from, snapshot } = this.#options;
    const head = await this.#feed.settled();
    if (this.#isOver) return false;
    if (from === undefined) return this.#leap("s", head, "start");
    if (from === "now") return this.#beginNow(head, snapshot);
    this.#at = from;
    if (isPosition(from)) {
      const isAtHand = isSame(from, head) || this.#feed.find(from) !== undefined;
      const loaded = isAtHand ? undefined : await this.#load(from);
      if (this.#isOver) return false;
      if (loaded?.isGap) return this.#fallBehind("s", loaded);
      return this.#put("s", "resumed", from);
    }
    const { run, head: end } = await this.#load(from);
    // Where there is nothing yet, all that comes is wanted.
    if (run.length === 0) this.#at = end;
    return this.#put("s", "live", this.#at);
  }

  async #beginNow(head: HistoryPosition, snapshot: FollowerOptions["snapshot"]): Promise<boolean> {
    this.#at = head;
    const taken = snapshot && (await snapshot());
    if (this.#isOver) return false;
    if (!snapshot || taken) return this.#put("s", "live", head, taken?.data);
    this.#options.refuse();
    return false;
  }

  /** Sends what is behind its place until nothing is left, and joins the live ones in the same turn. */
  async #goOn(): Promise<void> {
    while (!this.#isOver) {
      if (this.#isAtHead) {
        this.#feed.join(this);
        return;
      }
      const inMemory = isPosition(this.#at) ? this.#feed.find(this.#at) : undefined;
      const loaded = inMemory ? undefined : await this.#load(this.#at);
      if (this.#isOver) return;
      const found = inMemory ?? loaded;
      if (loaded?.isGap) await this.#fallBehind("g", loaded);
      else if (found && found.index < found.run.length) await this.#sendFrom(found.run, found.index);
      else if (loaded && !isPosition(this.#at)) this.#at = loaded.head;
      else await this.#awaitFeed();
    }
  }

  /** Sends as much of a run as the client takes now. Resolves when it may take more. */
  async #sendFrom(run: Run, index: number): Promise<void> {
    let byteLength = 0;
    for (const { frame, position, byteLength: size } of run.from(index)) {
      if (frame && !this.#peer.offer(frame)) {
        await this.#peer.drained();
        break;
      }
      this.#at = position;
      byteLength += size;
    }
    const waitMs = this.#peer.allowance.take(byteLength);
    if (waitMs > 0) await sleep(waitMs);
  }

  /** Nothing is behind its place, which is not the feed's: the feed has not heard of it yet. */
  async #awaitFeed(): Promise<void> {
    await this.#feed.catchUp();
    // Not at once again, where a store says one thing here and another there.
    if (!this.#isAtHead) await sleep(retryMs);
  }

  /**
   * Messages are missing behind its place. Goes on with the oldest that are kept; with the head where there is a snapshot in their place,
   * or where the client may have got some of them: a store that was restored from an old copy has what the client got long ago.
   */
  #fallBehind(kind: "s" | "g", { run, head }: Loaded): Promise<boolean> {
    const at = this.#at;
    const oldest = run.at(0)?.position ?? head;
    const isRolledBack = isPosition(at) && at.epoch === head.epoch && at.seq >= oldest.seq;
    return this.#leap(kind, head, isRolledBack ? "head" : "start");
  }

  async #leap(kind: "s" | "g", head: HistoryPosition, to: "start" | "head"): Promise<boolean> {
    const { snapshot, refuse } = this.#options;
    this.#at = snapshot || to === "head" ? head : "start";
    const taken = snapshot && (await snapshot());
    if (this.#isOver) return false;
    if (kind === "s" && snapshot && !taken) {
      refuse();
      return false;
    }
    // In front of the first message, if what is kept follows: nothing of this log has come to the client.
    const at = this.#at === "start" ? { epoch: head.epoch, seq: 0, tag: "" } : head;
    this.#feed.counts.gaps++;
    return this.#put(kind, "gap", at, taken?.data);
  }

  /** Sends an answer or a gap, when the client can take it. False if it has ended. */
  async #put(
    kind: "s" | "g",
    state: "live" | "resumed" | "gap",
    at: Place,
    snapshot?: unknown,
  ): Promise<boolean> {
    const { topic } = this.#feed;
    const position = textOf(at);
    const frame: ServerFrame =
      kind === "g" ? ["g", topic, position, snapshot] : ["s", topic, state, position, snapshot];
    const encoded = encodeFrame(frame);
    const message = new SharedMessage(Buffer.from(encoded as string), typeof encoded === "string");
    while (!this.#isOver && !this.#peer.offer(message)) await this.#peer.drained();
    return !this.#isOver;
  }

  async #load(from: Place): Promise<Loaded> {
    const loaded = await this.#feed.load(from);
    const waitMs = this.#peer.allowance.take(readCost);
    if (waitMs > 0) await sleep(waitMs);
    return loaded;
  }
}

/** What a read counts besides what it brings, in bytes. */
const readCost = 4_096;

const retryMs = 50;

/** A place as clients say it. */
function textOf(place: Place): string {
  if (place === "start") return place;
  return isPosition(place) ? encodePosition(place) : `last:${place.last}`;
}
