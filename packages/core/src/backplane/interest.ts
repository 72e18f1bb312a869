import type { BackplaneLink } from "../backplane.ts";
import { promiseTry } from "../promises.ts";
import { Refusals, refusedParts } from "./refusals.ts";

/** The pause before a refused subscription is tried again: at first, and at most. Each is twice as long as the one before. */
const [firstRetryMs, longestRetryMs] = [1_000, 30_000];

/** One call of the link's `subscribe`. */
interface SubscribeCall {
  isConfirmed: boolean;
}

export interface InterestOwner {
  readonly isUp: boolean;
  /** How often the link has gone down. */
  readonly outages: number;
  /** Subscriptions to these topics were refused, for the first time or for the first time since the topic was taken. */
  onSubscribeRefused(topics: readonly string[], reason: unknown): void;
  /** The link failed to end subscriptions. */
  onUnsubscribeRefused(reason: unknown): void;
  /** A call of the link has settled, or there is something to tell. */
  onInterestSettled(): void;
}

/**
 * Which topics this process wants from the others: those with a local subscriber. The changes of one turn of the event loop are
 * told to the link in one call of `subscribe` and one of `unsubscribe`, and in none if they cancel each other out.
 */
export class Interest {
  /** The wanted topics, each with a number that changes when it is wanted anew. */
  readonly #wanted = new Map<string, number>();
  /** What the link was told to be subscribed to, by the call that told it. */
  readonly #told = new Map<string, SubscribeCall>();
  /** The topics for which these two differ. A topic that came and went is not kept, however long the link is down. */
  readonly #changed = new Set<string>();
  /** The topics that are wanted and were refused, each with the last reason. They are tried again. */
  readonly #refused = new Map<string, unknown>();
  readonly #refusals: Refusals;
  readonly #owner: InterestOwner;
  #lastWant = 0;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = firstRetryMs;
  /** When `#retry` is due, as `performance.now()`. */
  #retryAt = 0;
  #isUnsubscribeRefused = false;

  constructor(owner: InterestOwner) {
    this.#owner = owner;
    this.#refusals = new Refusals((topics, reason) => owner.onSubscribeRefused(topics, reason));
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
   * A check of what is wanted at the time of the call. What is wanted later does not count: while topics come all the time, there
   * is no moment at which all are confirmed.
   *
   * @param only the one topic to check
   * @returns tells whether the link is subscribed to all of these topics that are still wanted
   */
  checkOfCurrent(only?: string): () => boolean {
    const want = only === undefined ? undefined : this.#wanted.get(only);
    // Where one is meant it is not looked for among all, which may be very many.
    const meant: [string, number][] =
      only === undefined ? [...this.#wanted] : want === undefined ? [] : [[only, want]];
    const open = meant.filter(([topic]) => !this.#told.get(topic)?.isConfirmed);
    const isDone = ([topic, want]: [string, number]) =>
      this.#wanted.get(topic) !== want || this.#told.get(topic)?.isConfirmed === true;
    return () => {
      for (let last = open.at(-1); last && isDone(last); last = open.at(-1)) open.pop();
      return open.length === 0;
    };
  }

  want(topic: string, isWanted: boolean): void {
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

  /** The broker has taken away subscriptions that were in force. */
  onRevoked(refused: ReadonlyMap<string, unknown>): void {
    for (const [topic, reason] of refused) this.#lose(topic, reason);
    this.#tryAgain(this.#refusals.add(refused));
  }

  stopRetrying(): void {
    clearTimeout(this.#retry);
  }

  #unsubscribe(link: BackplaneLink, topics: readonly string[]): void {
    for (const topic of topics) this.#told.delete(topic);
    const { outages } = this.#owner;
    promiseTry(() => link.unsubscribe(topics))
      .then(
        () => {
          this.#isUnsubscribeRefused = false;
        },
        (error) => {
          if (this.#isUnsubscribeRefused || this.#isLost(outages)) return;
          this.#isUnsubscribeRefused = true;
          this.#owner.onUnsubscribeRefused(error);
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
          // A topic may have been told again since: then the later call decides about it.
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

  /** @param current those of the topics that have not been told again since */
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

  /** Whether a call that was made after so many outages has failed because the connection was lost. */
  #isLost(outages: number): boolean {
    return !this.#owner.isUp || outages !== this.#owner.outages;
  }

  #lose(topic: string, reason: unknown): void {
    this.#told.delete(topic);
    this.#changed.delete(topic);
    if (this.#wanted.has(topic)) this.#refused.set(topic, reason);
  }

  /** @param isNews whether any topic was not refused before: then all are tried again after the shortest pause */
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
