import type { BackplaneLink } from "./backplane.ts";
import { promiseTry } from "./promise-try.ts";

/** After a refused subscription it is tried again this much later. */
const retryAfterMs = 1_000;

/** One call of the link's `subscribe`. */
interface SubscribeCall {
  isConfirmed: boolean;
}

/**
 * Which topics this process wants from the others: those with a local subscriber. What came and went within a turn of the
 * event loop is told to the link in two calls, or in none.
 */
export class Interest {
  /** With a number for each time that a topic was wanted anew. */
  readonly #wanted = new Map<string, number>();
  /** What the link was told to be subscribed to, by the call that told it. */
  readonly #told = new Map<string, SubscribeCall>();
  /** Where these two differ; of a topic that came and went nothing is kept, however long the link is down. */
  readonly #changed = new Set<string>();
  /** Wanted, and refused: to be tried again. */
  readonly #refused = new Set<string>();
  readonly #report: (error: unknown) => void;
  #lastWant = 0;
  #retry: NodeJS.Timeout | undefined;

  constructor(report: (error: unknown) => void) {
    this.#report = report;
  }

  has(topic: string): boolean {
    return this.#wanted.has(topic);
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

  /** What was refused is told with the next call of `tell`. */
  retry(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    for (const topic of this.#refused) this.#changed.add(topic);
    this.#refused.clear();
  }

  /**
   * Tells the link what has changed.
   *
   * @param onSettled called when a call of the link has ended
   */
  tell(link: BackplaneLink, onSettled: () => void): void {
    if (this.#changed.size === 0) return;
    const call: SubscribeCall = { isConfirmed: false };
    const subscribe: string[] = [];
    const unsubscribe: string[] = [];
    for (const topic of this.#changed) {
      if (this.#wanted.has(topic)) {
        this.#told.set(topic, call);
        subscribe.push(topic);
      } else {
        this.#told.delete(topic);
        unsubscribe.push(topic);
      }
    }
    this.#changed.clear();
    if (unsubscribe.length > 0) {
      promiseTry(() => link.unsubscribe(unsubscribe))
        .catch(this.#report)
        .finally(onSettled);
    }
    if (subscribe.length === 0) return;
    const confirm = () => {
      call.isConfirmed = true;
    };
    promiseTry(() => link.subscribe(subscribe))
      .then(confirm, (error) => {
        this.#report(error);
        for (const topic of subscribe) this.#onRefused(topic, call);
        this.#retry ??= setTimeout(() => {
          this.retry();
          onSettled();
        }, retryAfterMs).unref();
      })
      .finally(onSettled);
  }

  end(): void {
    clearTimeout(this.#retry);
  }

  #onRefused(topic: string, call: SubscribeCall): void {
    // It may have been told once more since.
    if (this.#told.get(topic) !== call) return;
    this.#told.delete(topic);
    this.#changed.delete(topic);
    if (this.#wanted.has(topic)) this.#refused.add(topic);
  }
}
