import type {
  Backplane,
  BackplaneDownDetails,
  BackplaneEvents,
  BackplaneLink,
  BackplaneUpDetails,
} from "../backplane.ts";
import { createError } from "../errors.ts";
import type { Message, Payload } from "../message.ts";
import { channels } from "../observe/channels.ts";
import type { Counters } from "../observe/metrics.ts";
import type { BackplaneBufferOptions } from "../options/options.ts";
import { promiseTry } from "../promises.ts";

import { atMost, Deadline, maxTimeoutMs } from "../timers.ts";
import { Envelopes } from "./envelope.ts";
import { Interest, type InterestOwner } from "./interest.ts";
import { Outbox, type OutboxOwner } from "./outbox.ts";
import { namesOf, withReason } from "./reports.ts";
import { SeenMessages } from "./seen-messages.ts";
import { Waiters } from "./waiters.ts";

export interface RelayOwner {
  readonly counters: Counters;
  /** Delivers to the subscribers of this process. */
  deliver(topic: string, message: Message): void;
  report(error: unknown): void;
}

/** Options of `ready()`. */
export interface ReadyOptions {
  /** How long to wait, in milliseconds. @default 10_000 // 10 seconds */
  timeoutMs?: number;
}

/**
 * Brings what this process publishes to the backplane, and what others publish to the local subscribers. Whatever happens to the
 * backplane, nothing here throws or rejects into `publish` or `subscribe`.
 */
export class Relay implements OutboxOwner, InterestOwner {
  readonly bound: false | Required<BackplaneBufferOptions>;
  readonly counters: Counters;
  outages = 0;
  readonly #name: string;
  readonly #owner: RelayOwner;
  readonly #link: BackplaneLink;
  readonly #envelopes = new Envelopes();
  readonly #seen = new SeenMessages();
  readonly #interest = new Interest(this);
  readonly #outbox = new Outbox(this);
  readonly #waiters = new Waiters();
  #state: "connecting" | "up" | "down" | "failed" | "closed" = "connecting";
  #wasUp = false;
  /** Since when messages of others may be missing, as `performance.now()`; undefined while the link is up. */
  #missingSince: number | undefined;
  /** Ends the time after an outage in which nothing is handed over. */
  #held: NodeJS.Timeout | undefined;
  /** When `#held` is due, as `performance.now()`. */
  #heldUntil = 0;
  #handOverBy: Deadline | undefined;
  #lastReason: unknown;
  #isScheduled = false;
  #sawForeign = false;
  #sawLate = false;
  #closing: Promise<void> | undefined;

  constructor(backplane: Backplane, bound: false | Required<BackplaneBufferOptions>, owner: RelayOwner) {
    this.bound = bound;
    this.counters = owner.counters;
    this.#name = backplane.name;
    this.#owner = owner;
    const events: BackplaneEvents = {
      message: (topic, data) => this.#receive(topic, data),
      up: (details = {}) => this.#onUp(details),
      down: (reason, details = {}) => this.#onDown(reason, details),
      refused: (topics) => this.#interest.onRefused(topics),
      error: (cause) => this.report(withReason(`${this.#name} had an error`, cause)),
    };
    this.#link = backplane.open(events);
  }

  get isUp(): boolean {
    return this.#state === "up";
  }

  /** Bytes that the backplane has not confirmed yet. */
  get bufferedBytes(): number {
    return this.#outbox.byteLength;
  }

  publish(topic: string, payload: Payload): void {
    this.counters.backplanePublished++;
    if (this.#state === "closed") {
      this.counters.backplaneDropped++;
      this.#onLate(topic);
      return;
    }
    this.#outbox.add({ topic, data: this.#envelopes.pack(payload) });
    this.#schedule();
  }

  /** Whether this process wants a topic: from its first local subscriber until the last has left. */
  want(topic: string, isWanted: boolean): void {
    this.#interest.set(topic, isWanted);
    if (!isWanted) this.#seen.forget(topic);
    this.#schedule();
  }

  /**
   * Waits for the link, and for the topics that are wanted at the time of the call.
   *
   * @throws Error `SPRY_WS_BACKPLANE` (rejects) when the backplane does not get ready, with what is known of the cause
   */
  ready({ timeoutMs = 10_000 }: ReadyOptions = {}): Promise<void> {
    const isSubscribed = this.#interest.current();
    const isReady = () => {
      if (this.#state === "failed" || this.#state === "closed") throw this.#notReady();
      return this.isUp && isSubscribed();
    };
    return this.#waiters.until(isReady, timeoutMs, () => this.#notReady());
  }

  /** Waits until the backplane has what was published, for no longer than `deadlineMs`. Never rejects. */
  handOver(deadlineMs: number): Promise<void> {
    this.#handOverBy = new Deadline(deadlineMs);
    if (this.#held) this.#hold(this.#heldUntil - performance.now());
    const isDone = () => this.#outbox.isEmpty || this.#state === "failed" || this.#state === "closed";
    return this.#waiters.until(isDone, deadlineMs, () => this.#notReady()).catch(() => {});
  }

  /** Hands over what waits, and ends the link, in no more than `deadlineMs` altogether. Never rejects. */
  close(deadlineMs: number): Promise<void> {
    this.#closing ??= this.#close(deadlineMs);
    return this.#closing;
  }

  report(error: unknown): void {
    this.#owner.report(error);
  }

  onRefused(topics: readonly string[], reason: unknown): void {
    const text = `${this.#name} refuses the subscription to ${namesOf(topics)}, which is tried again now and then`;
    this.report(withReason(text, reason));
  }

  onEndRefused(reason: unknown): void {
    this.report(withReason(`${this.#name} refuses to end subscriptions`, reason));
  }

  onPublishRefused(topics: readonly string[], reason: unknown): void {
    const text =
      `${this.#name} refuses what is published to ${namesOf(topics)}; until it takes something there again, what it refuses ` +
      "is only counted (metrics().backplaneDropped)";
    this.report(withReason(text, reason));
  }

  onInterestSettled(): void {
    if (this.#interest.hasChanged) this.#schedule();
    this.sendMore();
  }

  sendMore(): void {
    if (this.isUp && !this.#held) this.#outbox.send(this.#link);
    this.#waiters.changed();
  }

  /** Everything of this turn of the event loop goes out together. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (!this.isUp) return;
    this.#interest.tell(this.#link);
    this.sendMore();
  }

  #receive(topic: string, data: Uint8Array): void {
    if (this.#state === "closed" || !this.#interest.has(topic)) return;
    const received = this.#envelopes.unpack(data);
    if (received === undefined) return;
    if (received === false) {
      this.#onForeign(topic);
      return;
    }
    if (!this.#seen.add(topic, received)) return;
    this.counters.backplaneReceived++;
    try {
      this.#owner.deliver(topic, received.message);
    } catch (error) {
      this.report(error);
    }
  }

  #onForeign(topic: string): void {
    if (this.#sawForeign) return;
    this.#sawForeign = true;
    this.report(
      createError(
        "SPRY_WS_BACKPLANE",
        `${this.#name} delivered something to the topic ${JSON.stringify(topic)} that no instance of this version has ` +
          "published; such messages are ignored. If another program uses the same names, give the backplane a prefix of its own",
      ),
    );
  }

  #onLate(topic: string): void {
    if (this.#sawLate) return;
    this.#sawLate = true;
    const text = `a message for the topic ${JSON.stringify(topic)} was published after close(): other processes do not get it, nor any that follow`;
    this.report(createError("SPRY_WS_BACKPLANE", text));
  }

  #onUp({ othersBackWithinMs = 0 }: BackplaneUpDetails): void {
    if (this.#state === "up" || this.#state === "closed") return;
    const now = performance.now();
    const durationMs = Math.round(now - (this.#missingSince ?? now));
    if (this.#missingSince !== undefined && othersBackWithinMs > 0) this.#hold(othersBackWithinMs);
    const isBack = this.#wasUp;
    this.#state = "up";
    this.#wasUp = true;
    this.#missingSince = undefined;
    if (channels.backplane.hasSubscribers)
      channels.backplane.publish({ backplane: this.#name, state: "up", durationMs });
    if (isBack) {
      const error = createError(
        "SPRY_WS_BACKPLANE_GAP",
        `${this.#name} is back; what other processes published in the last ${durationMs} ms may be missing here`,
      );
      this.report(Object.assign(error, { durationMs }));
    }
    this.#interest.onUp();
    this.#flush();
  }

  #onDown(reason: unknown, { permanent = false, lastHeardAt }: BackplaneDownDetails): void {
    if (this.#state === "closed") return;
    const state = permanent ? "failed" : "down";
    const isNews = this.#state !== state && this.#state !== "failed";
    this.#lastReason = reason;
    const now = performance.now();
    this.#missingSince = Math.min(this.#missingSince ?? now, lastHeardAt ?? now);
    if (!isNews) return;
    this.#state = state;
    this.#release();
    this.outages++;
    if (channels.backplane.hasSubscribers)
      channels.backplane.publish({ backplane: this.#name, state: "down", error: reason });
    this.report(this.#notReady());
    this.#waiters.changed();
  }

  /** After an outage nothing is handed over before the others are back; but time for the answer is left. */
  #hold(wantedMs: number): void {
    const ms = Math.min(wantedMs, (this.#handOverBy?.leftMs ?? Number.POSITIVE_INFINITY) / 2);
    this.#release();
    this.#heldUntil = performance.now() + ms;
    this.#held = setTimeout(
      () => {
        this.#release();
        this.sendMore();
      },
      Math.min(ms, maxTimeoutMs),
    ).unref();
  }

  #release(): void {
    clearTimeout(this.#held);
    this.#held = undefined;
  }

  #notReady(): Error {
    const states = {
      connecting: "has not connected",
      up: "has not confirmed all subscriptions",
      down: "is not connected; messages of other processes do not come until it is back",
      failed: "cannot be used",
      closed: "is closed",
    };
    const cause = this.isUp ? this.#interest.refusal : this.#lastReason;
    return withReason(`${this.#name} ${states[this.#state]}`, cause);
  }

  async #close(deadlineMs: number): Promise<void> {
    const deadline = new Deadline(deadlineMs);
    await this.handOver(deadlineMs);
    if (!this.#outbox.isEmpty) {
      const text = `${this.#name} did not take all messages before it was closed`;
      this.report(withReason(text, this.isUp ? undefined : this.#lastReason));
    }
    this.#state = "closed";
    this.#release();
    this.#outbox.clear();
    this.#interest.end();
    this.#waiters.changed();
    const closed = promiseTry(() => this.#link.close()).catch((error) => this.report(error));
    await atMost(deadline.leftMs, closed);
  }
}
