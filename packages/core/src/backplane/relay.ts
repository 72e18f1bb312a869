import type {
  Backplane,
  BackplaneDownDetails,
  BackplaneEvents,
  BackplaneLink,
  BackplaneUpDetails,
} from "../backplane.ts";
import { createError } from "../errors.ts";
import type { Message, Payload } from "../message.ts";
import type { Counters } from "../observe/metrics.ts";
import type { BackplaneBufferOptions } from "../options/options.ts";
import { promiseTry } from "../promises.ts";
import { atMost, Deadline } from "../timers.ts";
import { Envelopes } from "./envelope.ts";
import { HandOverPause } from "./hand-over-pause.ts";
import { Interest, type InterestOwner } from "./interest.ts";
import { LinkState } from "./link-state.ts";
import { Outbox, type OutboxOwner } from "./outbox.ts";
import { namesOf, withReason } from "./reports.ts";
import { SeenMessages } from "./seen-messages.ts";
import { Waiters } from "./waiters.ts";

export interface RelayOwner {
  readonly counters: Counters;
  /** Delivers to the subscribers of this process. */
  deliver(topic: string, message: Message): void;
  /** Another instance asks something of those that are subscribed to a topic. */
  control(topic: string, data: Uint8Array): void;
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
  readonly #name: string;
  readonly #owner: RelayOwner;
  readonly #link: BackplaneLink;
  readonly #envelopes = new Envelopes();
  readonly #seen = new SeenMessages();
  readonly #interest = new Interest(this);
  readonly #outbox = new Outbox(this);
  readonly #waiters = new Waiters();
  readonly #state: LinkState;
  readonly #pause = new HandOverPause(() => this.sendMore());
  #isScheduled = false;
  #sawForeign = false;
  #sawLate = false;
  #closing: Promise<void> | undefined;

  constructor(backplane: Backplane, bound: false | Required<BackplaneBufferOptions>, owner: RelayOwner) {
    this.bound = bound;
    this.counters = owner.counters;
    this.#name = backplane.name;
    this.#owner = owner;
    this.#state = new LinkState(backplane.name, (error) => this.report(error));
    const events: BackplaneEvents = {
      message: (topic, data) => this.#receive(topic, data),
      up: (details = {}) => this.#onUp(details),
      down: (reason, details = {}) => this.#onDown(reason, details),
      refused: (topics) => this.#interest.onRevoked(topics),
      error: (cause) => this.report(withReason(`${this.#name} had an error`, cause)),
    };
    this.#link = backplane.open(events);
  }

  get isUp(): boolean {
    return this.#state.isUp;
  }

  get outages(): number {
    return this.#state.outages;
  }

  /** Bytes that the backplane has not confirmed yet. */
  get bufferedBytes(): number {
    return this.#outbox.byteLength;
  }

  /** @param isControl whether it is for the instances that are subscribed, and not for their subscribers */
  publish(topic: string, payload: Payload, isControl = false): void {
    this.counters.backplanePublished++;
    if (this.#state.isClosed) {
      this.counters.backplaneDropped++;
      this.#reportLate(topic);
      return;
    }
    this.#outbox.add({ topic, data: this.#envelopes.pack(payload, isControl) });
    this.#scheduleFlush();
  }

  /** Whether this process wants a topic: from its first local subscriber until the last has left. */
  want(topic: string, isWanted: boolean): void {
    this.#interest.want(topic, isWanted);
    if (!isWanted) this.#seen.forget(topic);
    this.#scheduleFlush();
  }

  /**
   * Waits for the link, and for the topics that are wanted at the time of the call.
   *
   * @param only the one topic to wait for
   * @throws Error `SPRY_WS_BACKPLANE` (rejects) when the backplane does not get ready, with what is known of the cause
   */
  ready({ timeoutMs = 10_000 }: ReadyOptions = {}, only?: string): Promise<void> {
    const isSubscribed = this.#interest.checkOfCurrent(only);
    const isReady = () => {
      if (this.#state.isOver) throw this.#notReady();
      return this.isUp && isSubscribed();
    };
    return this.#waiters.until(isReady, timeoutMs, () => this.#notReady());
  }

  /** Waits until the backplane has what was published, for no longer than `deadlineMs`. Never rejects. */
  handOver(deadlineMs: number): Promise<void> {
    this.#pause.setDeadline(new Deadline(deadlineMs));
    const isDone = () => this.#outbox.isEmpty || this.#state.isOver;
    return this.#waiters.until(isDone, deadlineMs, () => this.#notReady()).catch(() => {});
  }

  /** Hands over what waits, and closes the link, in no more than `deadlineMs` altogether. Never rejects. */
  close(deadlineMs: number): Promise<void> {
    this.#closing ??= this.#close(deadlineMs);
    return this.#closing;
  }

  report(error: unknown): void {
    this.#owner.report(error);
  }

  onSubscribeRefused(topics: readonly string[], reason: unknown): void {
    const text = `${this.#name} refuses the subscription to ${namesOf(topics)}, which is tried again now and then`;
    this.report(withReason(text, reason));
  }

  onUnsubscribeRefused(reason: unknown): void {
    this.report(withReason(`${this.#name} refuses to end subscriptions`, reason));
  }

  onPublishRefused(topics: readonly string[], reason: unknown): void {
    const text =
      `${this.#name} refuses what is published to ${namesOf(topics)}; until it takes something there again, what it refuses ` +
      "is only counted (metrics().backplaneDropped)";
    this.report(withReason(text, reason));
  }

  onInterestSettled(): void {
    if (this.#interest.hasChanged) this.#scheduleFlush();
    this.sendMore();
  }

  sendMore(): void {
    if (this.isUp && !this.#pause.isOn) this.#outbox.send(this.#link);
    this.#waiters.changed();
  }

  /** Everything of this turn of the event loop goes out together. */
  #scheduleFlush(): void {
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
    if (this.#state.isClosed || !this.#interest.has(topic)) return;
    const received = this.#envelopes.unpack(data);
    if (received === undefined) return;
    if (received === false) {
      this.#reportForeign(topic);
      return;
    }
    if (!this.#seen.add(topic, received)) return;
    this.counters.backplaneReceived++;
    try {
      const { message, isControl } = received;
      if (isControl) this.#owner.control(topic, message.bytes());
      else this.#owner.deliver(topic, message);
    } catch (error) {
      this.report(error);
    }
  }

  #reportForeign(topic: string): void {
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

  #reportLate(topic: string): void {
    if (this.#sawLate) return;
    this.#sawLate = true;
    const text = `a message for the topic ${JSON.stringify(topic)} was published after close(): other processes do not get it, nor any that follow`;
    this.report(createError("SPRY_WS_BACKPLANE", text));
  }

  #onUp({ othersBackWithinMs = 0 }: BackplaneUpDetails): void {
    if (this.#state.isUp || this.#state.isClosed) return;
    if (this.#state.hasGap && othersBackWithinMs > 0) this.#pause.begin(othersBackWithinMs);
    this.#state.toUp();
    this.#interest.onUp();
    this.#flush();
  }

  #onDown(reason: unknown, details: BackplaneDownDetails): void {
    if (this.#state.isClosed) return;
    this.#pause.end();
    this.#state.toDown(reason, details);
    this.#waiters.changed();
  }

  #notReady(): Error {
    return this.#state.problem(this.#interest.refusal);
  }

  async #close(deadlineMs: number): Promise<void> {
    const deadline = new Deadline(deadlineMs);
    await this.handOver(deadlineMs);
    if (!this.#outbox.isEmpty) {
      const text = `${this.#name} did not take all messages before it was closed`;
      this.report(withReason(text, this.#state.downReason));
    }
    this.#state.toClosed();
    this.#pause.end();
    this.#outbox.clear();
    this.#interest.stopRetrying();
    this.#waiters.changed();
    const closed = promiseTry(() => this.#link.close()).catch((error) => this.report(error));
    await atMost(deadline.leftMs, closed);
  }
}
