import type { BackplaneLink } from "./backplane.ts";
import { promiseTry } from "./promise-try.ts";

/** After a refused subscription it is tried again this much later. */
const retryAfterMs = 1_000;

/**
 * Which topics this process wants from the others: those with a local subscriber. What came and went within a turn of the
 * event loop is told to the link in two calls, or in none.
 */
export class Interest {
  readonly #wanted = new Set<string>();
  /** What the link was told to be subscribed to. */
  readonly #told = new Set<string>();
  /** Where these two differ; of a topic that came and went nothing is kept, however long the link is down. */
  readonly #changed = new Set<string>();
  /** Wanted, and refused: to be tried again. */
  readonly #refused = new Set<string>();
  readonly #report: (error: unknown) => void;
  #calls = 0;
  #retry: NodeJS.Timeout | undefined;

  constructor(report: (error: unknown) => void) {
    this.#report = report;
  }

  has(topic: string): boolean {
    return this.#wanted.has(topic);
  }

  /** Whether the link is subscribed to all that is wanted. */
  get isSettled(): boolean {
    return this.#changed.size === 0 && this.#refused.size === 0 && this.#calls === 0;
  }

  set(topic: string, isWanted: boolean): void {
    if (isWanted) this.#wanted.add(topic);
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
    const subscribe: string[] = [];
    const unsubscribe: string[] = [];
    for (const topic of this.#changed) {
      if (this.#wanted.has(topic)) {
        this.#told.add(topic);
        subscribe.push(topic);
      } else {
        this.#told.delete(topic);
        unsubscribe.push(topic);
      }
    }
    this.#changed.clear();
    if (unsubscribe.length > 0) this.#call(() => link.unsubscribe(unsubscribe), onSettled, this.#report);
    if (subscribe.length > 0) {
      this.#call(
        () => link.subscribe(subscribe),
        onSettled,
        (error) => {
          this.#report(error);
          for (const topic of subscribe) this.#onRefused(topic);
          this.#retry ??= setTimeout(() => {
            this.retry();
            onSettled();
          }, retryAfterMs).unref();
        },
      );
    }
  }

  end(): void {
    clearTimeout(this.#retry);
  }

  #onRefused(topic: string): void {
    this.#told.delete(topic);
    this.#changed.delete(topic);
    if (this.#wanted.has(topic)) this.#refused.add(topic);
  }

  #call(call: () => Promise<void>, onSettled: () => void, onRejected: (error: unknown) => void): void {
    this.#calls++;
    promiseTry(call)
      .catch(onRejected)
      .finally(() => {
        this.#calls--;
        onSettled();
      });
  }
}
