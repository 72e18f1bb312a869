import type { Payload } from "../message.ts";
import { atMost, Deadline } from "../timers.ts";
import type { ReadyOptions, Relay } from "./relay.ts";

/**
 * The relay of an instance. When nobody needs it any more, it is closed: connections to a broker must not keep a process alive whose
 * server has closed. The next call that needs a relay opens a new one.
 */
export class StandbyRelay {
  readonly #open: () => Relay;
  readonly #listeners: { readonly topics: Iterable<string> };
  /** The present one; while this rests, the last one, which is closed. */
  #relay: Relay;
  #isResting = false;
  #isClosed = false;

  /** @param listeners of the process itself: they need no relay, but where there is one it wants their topics */
  constructor(open: () => Relay, listeners: { readonly topics: Iterable<string> }) {
    this.#open = open;
    this.#listeners = listeners;
    this.#relay = open();
  }

  get isUp(): boolean {
    return this.#relay.isUp;
  }

  get bufferedBytes(): number {
    return this.#relay.bufferedBytes;
  }

  publish(topic: string, payload: Payload): void {
    this.#wake().publish(topic, payload);
  }

  /** For the instances that are subscribed to a topic, and not for their subscribers. */
  control(topic: string, data: Uint8Array): void {
    this.#wake().publish(topic, data, true);
  }

  want(topic: string, isWanted: boolean): void {
    const relay = isWanted ? this.#wake() : this.#relay;
    relay.want(topic, isWanted);
  }

  /** @param only the one topic to wait for */
  ready(options?: ReadyOptions, only?: string): Promise<void> {
    return this.#wake().ready(options, only);
  }

  /**
   * Waits until the backplane has what was published, and then closes the relay if nobody needs it. Takes no longer than `deadlineMs`
   * altogether, and never rejects.
   */
  async rest(deadlineMs: number, isUnused: () => boolean): Promise<void> {
    const deadline = new Deadline(deadlineMs);
    const relay = this.#relay;
    await relay.handOver(deadlineMs);
    if (this.#isClosed || this.#isResting || !isUnused()) return;
    this.#isResting = true;
    await relay.close(deadline.leftMs);
  }

  /** A server listens again: what the process listens to is wanted again. */
  listen(): void {
    for (const _topic of this.#listeners.topics) {
      this.#wake();
      return;
    }
  }

  /** Closes the relay for good. Never rejects. */
  close(deadlineMs: number): Promise<void> {
    this.#isClosed = true;
    this.#isResting = false;
    return atMost(deadlineMs, this.#relay.close(deadlineMs));
  }

  #wake(): Relay {
    if (this.#isResting) {
      this.#isResting = false;
      this.#relay = this.#open();
      for (const topic of this.#listeners.topics) this.#relay.want(topic, true);
    }
    return this.#relay;
  }
}
