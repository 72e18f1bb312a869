import type { BackplaneLink } from "../backplane.ts";
import { promiseTry } from "../promises.ts";

import { Refusals, refusedParts } from "./refusals.ts";

/** A refused subscription is tried again after the first time. Each further pause is twice as long, up to the second. */
const [firstRetryMs, longestRetryMs] = [1_000, 30_000];

/** One call of the link's `subscribe`. */
interface SubscribeCall {
  isConfirmed: boolean;
}

export interface InterestOwner {
  readonly isUp: boolean;
  /** How often the link has gone down. */
  readonly outages: number;
  /** Subscriptions that were not refused before, and why they are. */
  onRefused(topics: readonly string[], reason: unknown): void;
  /** The link failed to end subscriptions. */
  onEndRefused(reason: unknown): void;
  /** A call of the link has ended, or there is something to tell. */
  onInterestSettled(): void;
}

/**
 * Which topics this process wants from the others: those with a local subscriber. What came and went within a turn of the
 * event loop is told to the link in two calls, or in none.
 */
export class Interest {
  /** The wanted topics, each with a number that changes when it is wanted anew. */
  readonly #wanted = new Map<string, number>();
  /** What the link was told to be subscribed to, by the call that told it. */
  readonly #told = new Map<string, SubscribeCall>();
  /** The topics for which these two differ. A topic that came and went is not kept, however long the link is down. */
  readonly #changed = new Set<string>();
  /** Wanted, and refused: to be tried again. The reason is the last one. */
  readonly #refused = new Map<string, unknown>();
  readonly #refusals: Refusals;
  readonly #owner: InterestOwner;
  #lastWant = 0;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = firstRetryMs;
  /** When `#retry` is due, as `performance.now()`. */
  #retryAt = 0;
  #isEndRefused = false;

  constructor(owner: InterestOwner) {
    this.#owner = owner;
    this.#refusals = new Refusals((topics, reason) => owner.onRefused(topics, reason));
  }

  has(topic: string): boolean {
    return this.#wanted.has(topic);
  }

  /** Why a topic is refused, if one is. */
  get refusal(): unknown {
    const [reason] = this.#refused.values();
    return reason;
  }

  /** Whether there is something to tell. */
  get hasChanged(): boolean {
    return this.#changed.size > 0;
  }

  /**
   * What is wanted later does not count: while topics come all the time, there is no moment at which all are confirmed.
   *
   * @returns tells whether the link is subscribed to what is wanted now, as far as that is still wanted
   */
  current(): () => boolean {
    const open = [...this.#wanted].filter(([topic]) => !this.#told.get(topic)?.isConfirmed);
    const isDone = ([topic, want]: [string, number]) =>
      this.#wanted.get(topic) !== want || this.#told.get(topic)?.isConfirmed === true;
    return () => {
      for (let last = open.at(-1); last && isDone(last); last = open.at(-1)) open.pop();
      return open.length === 0;
    };
  }

  set(topic: string, isWanted: boolean): void {
    if (isWanted) this.#wanted.set(topic, ++this.#lastWant);
    else this.#wanted.delete(topic);
    this.#refused.delete(topic);
    if (isWanted === this.#told.has(topic)) this.#changed.delete(topic);
    else this.#changed.add(topic);
  }

  /** Tells the link what has changed. */
  tell(link: BackplaneLink): void {
    if (this.#changed.size === 0) return;
    const subscribe: string[] = [];
    const unsubscribe: string[] = [];
    for (const topic of this.#changed) (this.#wanted.has(topic) ? subscribe : unsubscribe).push(topic);
    this.#changed.clear();
    if (unsubscribe.length > 0) this.#unsubscribe(link, unsubscribe);
    if (subscribe.length > 0) this.#subscribe(link, subscribe);
  }

  /** What was refused before the link went down may be taken now. */
  onUp(): void {
    this.#tryAgain(true);
  }

  /** Subscriptions that were in force are refused. */
  onRefused(refused: ReadonlyMap<string, unknown>): void {
    for (const [topic, reason] of refused) this.#lose(topic, reason);
    this.#tryAgain(this.#refusals.add(refused));
  }

  end(): void {
    clearTimeout(this.#retry);
  }

  #unsubscribe(link: BackplaneLink, topics: readonly string[]): void {
    for (const topic of topics) this.#told.delete(topic);
    const { outages } = this.#owner;
    promiseTry(() => link.unsubscribe(topics))
      .then(
        () => {
          this.#isEndRefused = false;
        },
        (error) => {
          if (this.#isEndRefused || this.#isLost(outages)) return;
          this.#isEndRefused = true;
          this.#owner.onEndRefused(error);
        },
      )
      .finally(() => this.#owner.onInterestSettled());
  }

  #subscribe(link: BackplaneLink, topics: readonly string[]): void {
    const { outages } = this.#owner;
    const call: SubscribeCall = { isConfirmed: false };
    for (const topic of topics) this.#told.set(topic, call);
    promiseTry(() => link.subscribe(topics))
      .then(
        () => this.#onTaken(call, topics),
        (error) => {
          // What may have been told once more since is the later call's.
          const current = topics.filter((topic) => this.#told.get(topic) === call);
          if (this.#isLost(outages)) this.#onLost(current);
          else this.#onRejected(call, topics, current, error);
        },
      )
      .finally(() => this.#owner.onInterestSettled());
  }

  #onTaken(call: SubscribeCall, topics: readonly string[]): void {
    call.isConfirmed = true;
    if (!this.#refusals.isEmpty) for (const topic of topics) this.#refusals.taken(topic);
  }

  #onLost(topics: readonly string[]): void {
    for (const topic of topics) {
      this.#told.delete(topic);
      if (this.#wanted.has(topic)) this.#changed.add(topic);
      else this.#changed.delete(topic);
    }
  }

  /** @param current those of the topics that have not been told once more since */
  #onRejected(
    call: SubscribeCall,
    topics: readonly string[],
    current: readonly string[],
    error: unknown,
  ): void {
    const refused = refusedParts(topics, error);
    for (const topic of current) if (refused.has(topic)) this.#lose(topic, refused.get(topic));
    const taken = topics.filter((topic) => !refused.has(topic));
    this.#onTaken(call, taken);
    this.#tryAgain(this.#refusals.add(refused));
  }

  /** Whether a call of then has failed because the connection was lost. */
  #isLost(outages: number): boolean {
    return !this.#owner.isUp || outages !== this.#owner.outages;
  }

  #lose(topic: string, reason: unknown): void {
    this.#told.delete(topic);
    this.#changed.delete(topic);
    if (this.#wanted.has(topic)) this.#refused.set(topic, reason);
  }

  /** @param isNews whether any topic was not refused before: such a one is soon tried again, and all others with it */
  #tryAgain(isNews: boolean): void {
    if (isNews) this.#retryMs = firstRetryMs;
    const at = performance.now() + this.#retryMs;
    if (this.#refused.size === 0 || (this.#retry && this.#retryAt <= at)) return;
    clearTimeout(this.#retry);
    this.#retryAt = at;
    this.#retry = setTimeout(() => this.#onRetry(), this.#retryMs).unref();
    this.#retryMs = Math.min(this.#retryMs * 2, longestRetryMs);
  }

  #onRetry(): void {
    this.#retry = undefined;
    for (const topic of this.#refused.keys()) this.#changed.add(topic);
    this.#refused.clear();
    this.#owner.onInterestSettled();
  }
}
