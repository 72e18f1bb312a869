import { setImmediate as turn } from "node:timers/promises";
import type { Backplane, BackplaneLink } from "@spry-ws/core";

const timeoutMs = 15_000;

/** A link whose events a test waits for. */
export class WatchedLink implements AsyncDisposable {
  readonly link: BackplaneLink;
  /** Without repetitions: a link may tell why it is down more than once. */
  readonly states: string[] = [];
  readonly reasons: Error[] = [];
  readonly errors: unknown[] = [];
  readonly received: string[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(backplane: Backplane) {
    this.link = backplane.open({
      message: (topic, data) => {
        this.received.push(`${topic} ${Buffer.from(data)}`);
        this.#changed();
      },
      up: () => this.#onState("up"),
      down: (reason, isPermanent = false) => {
        this.reasons.push(reason as Error);
        this.#onState(isPermanent ? "down for good" : "down");
      },
      error: (error) => {
        this.errors.push(error);
        this.#changed();
      },
    });
  }

  get state(): string | undefined {
    return this.states.at(-1);
  }

  publish(topic: string, text: string): Promise<void> {
    return this.link.publish([{ topic, data: Buffer.from(text) }]);
  }

  until(isTrue: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = () => {
        if (!isTrue()) return;
        clearTimeout(timer);
        this.#waiting.delete(check);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(check);
        reject(new Error(`waited for ${what}; states: ${this.states}; reasons: ${this.reasons}`));
      }, timeoutMs);
      this.#waiting.add(check);
      check();
    });
  }

  untilState(state: string): Promise<void> {
    return this.until(() => this.state === state, state);
  }

  untilReceived(text: string): Promise<void> {
    return this.until(() => this.received.includes(text), text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.link.close();
  }

  #onState(state: string): void {
    if (this.state !== state) this.states.push(state);
    this.#changed();
  }

  #changed(): void {
    for (const check of this.#waiting) check();
  }
}

/**
 * Publishes to a topic as a relay does: a call that fails while the link is down is made again, with the same messages, once
 * the link is up, and before anything else.
 */
export class Load {
  readonly #from: WatchedLink;
  readonly #topic: string;
  readonly #done: Promise<number>;
  #isStopped = false;
  /** Calls that failed on a link that was up. */
  readonly refused: unknown[] = [];

  constructor(from: WatchedLink, topic: string) {
    this.#from = from;
    this.#topic = topic;
    this.#done = this.#run();
  }

  /** @returns how many messages were published */
  stop(): Promise<number> {
    this.#isStopped = true;
    return this.#done;
  }

  async #run(): Promise<number> {
    let next = 0;
    while (!this.#isStopped) {
      await this.#from.untilState("up");
      await turn();
      // Several calls at once: when the first fails, the others must not arrive.
      const first = next;
      const results = await Promise.allSettled(
        Array.from({ length: 5 }, () => this.#from.publish(this.#topic, String(next++))),
      );
      const failed = results.findIndex(({ status }) => status === "rejected");
      if (failed < 0) continue;
      const later = results.slice(failed).filter(({ status }) => status === "fulfilled");
      if (later.length > 0) throw new Error("a call was taken after one that failed");
      if (this.#from.state === "up") this.refused.push((results[failed] as PromiseRejectedResult).reason);
      next = first + failed;
    }
    return next;
  }
}

/** Whether what came of a load is in order; what came twice counts once, as a relay takes it. */
export function inOrder(received: readonly string[], topic: string): number[] {
  const numbers: number[] = [];
  for (const entry of received) {
    if (!entry.startsWith(`${topic} `)) continue;
    const number = Number(entry.slice(topic.length + 1));
    if (!numbers.includes(number)) numbers.push(number);
  }
  return numbers;
}
