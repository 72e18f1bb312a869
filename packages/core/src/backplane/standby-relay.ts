import type { Payload } from "../message.ts";
import { atMost, Deadline } from "../timers.ts";
import type { ReadyOptions, Relay } from "./relay.ts";

/**
 * The relay of an instance. It rests once nobody needs it any more: a process whose server has closed must not live on for the
 * connections to a broker. Whatever needs it then opens a new one.
 */
export class StandbyRelay {
  readonly #open: () => Relay;
  /** While it rests, the one that was closed. */
  #relay: Relay;
  #isResting = false;
  #isClosed = false;

  constructor(open: () => Relay) {
    this.#open = open;
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

  want(topic: string, isWanted: boolean): void {
    const relay = isWanted ? this.#wake() : this.#relay;
    relay.want(topic, isWanted);
  }

  ready(options?: ReadyOptions): Promise<void> {
    return this.#wake().ready(options);
  }

  /**
   * Waits until the backplane has what was published, and then rests if nobody needs it; no longer than `deadlineMs`. Never
   * rejects.
   */
  async rest(deadlineMs: number, isUnused: () => boolean): Promise<void> {
    const deadline = new Deadline(deadlineMs);
    const relay = this.#relay;
    await relay.handOver(deadlineMs);
    if (this.#isClosed || this.#isResting || !isUnused()) return;
    this.#isResting = true;
    await relay.close(deadline.leftMs);
  }

  /** For good. Never rejects. */
  close(deadlineMs: number): Promise<void> {
    this.#isClosed = true;
    this.#isResting = false;
    return atMost(deadlineMs, this.#relay.close(deadlineMs));
  }

  #wake(): Relay {
    if (this.#isResting) {
      this.#isResting = false;
      this.#relay = this.#open();
    }
    return this.#relay;
  }
}
