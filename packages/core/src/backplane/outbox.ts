import type { BackplaneLink, BackplaneMessage } from "../backplane.ts";
import { createError } from "../errors.ts";
import type { BackplaneBufferOptions } from "../options/options.ts";
import { promiseTry } from "../promises.ts";
import { MessageQueue } from "./message-queue.ts";
import { Refusals, refusedParts } from "./refusals.ts";

/**
 * How much the link may have without an answer. Beyond that messages wait, and go out together. To write everything that an
 * outage has left at once would block the event loop for seconds.
 */
const [windowBytes, windowMessages] = [1_048_576, 10_000];

interface Batch {
  /** In the order in which they were handed over. */
  readonly number: number;
  /** How many outages there had been when it was handed over. */
  readonly outages: number;
  readonly messages: readonly BackplaneMessage[];
  readonly byteLength: number;
}

export interface OutboxOwner {
  readonly isUp: boolean;
  /** How often the link has gone down. */
  readonly outages: number;
  readonly bound: false | Required<BackplaneBufferOptions>;
  readonly counters: { backplaneDropped: number };
  report(error: unknown): void;
  /** Messages to these topics were refused, for the first time or for the first time since a message to the topic was taken. */
  onPublishRefused(topics: readonly string[], reason: unknown): void;
  /** A batch has been answered: hands over more, as there may be room now, and tells those who wait for the outbox to be empty. */
  sendMore(): void;
}

/** A batch that came back. */
interface Returned {
  readonly number: number;
  readonly messages: MessageQueue;
}

/** What waits for the backplane: bounded, in order, and kept over an outage. */
export class Outbox {
  readonly #owner: OutboxOwner;
  readonly #waiting = new MessageQueue();
  /** The size of what waits and of what was returned. */
  #waitingBytes = 0;
  #sentBytes = 0;
  #sentMessages = 0;
  /** What the link has, unanswered, in order. */
  readonly #sent = new Set<Batch>();
  /** What was handed over before the connection was lost, in that order. It is handed over again before anything else. */
  #returned: Returned[] = [];
  #lastNumber = 0;
  #isCleared = false;
  readonly #refusals: Refusals;
  /** Dropping is reported once, until half of the room is free again. */
  #isDropping = false;

  constructor(owner: OutboxOwner) {
    this.#owner = owner;
    this.#refusals = new Refusals((topics, reason) => owner.onPublishRefused(topics, reason));
  }

  /** Bytes that the backplane has not confirmed yet. */
  get byteLength(): number {
    return this.#waitingBytes + this.#sentBytes;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0 && this.#sent.size === 0 && this.#returned.length === 0;
  }

  add(message: BackplaneMessage): void {
    const { bound } = this.#owner;
    const size = sizeOf(message);
    if (bound && this.byteLength > 0 && this.byteLength + size > bound.maxBytes) {
      this.#reportDropping(bound);
      if (bound.onLimit === "dropNewest" || !this.#makeRoom(bound.maxBytes - size)) {
        this.#owner.counters.backplaneDropped++;
        return;
      }
    }
    this.#waiting.push(message);
    this.#waitingBytes += size;
  }

  /** Hands over what waits, as far as the window allows. */
  send(link: BackplaneLink): void {
    const { outages } = this.#owner;
    const [oldest] = this.#sent;
    // The oldest batch was handed over before an outage. It may come back, and nothing must overtake it.
    if (oldest && oldest.outages !== outages) return;
    const messages: BackplaneMessage[] = [];
    let byteLength = 0;
    while (
      this.#sentBytes + byteLength < windowBytes &&
      this.#sentMessages + messages.length < windowMessages
    ) {
      const message = this.#takeOldest();
      if (!message) break;
      messages.push(message);
      byteLength += sizeOf(message);
    }
    if (messages.length === 0) return;
    const batch = { number: ++this.#lastNumber, outages, messages, byteLength };
    this.#sentBytes += byteLength;
    this.#sentMessages += messages.length;
    this.#sent.add(batch);
    void promiseTry(() => link.publish(messages)).then(
      () => this.#settle(batch, () => this.#onTaken(batch.messages)),
      (error) => {
        this.#settle(batch, () => this.#onRejected(batch, error));
      },
    );
  }

  /** Drops what is left, and what comes back from now on: the relay is closed. */
  clear(): void {
    this.#isCleared = true;
    while (this.#takeOldest()) this.#owner.counters.backplaneDropped++;
  }

  #settle(batch: Batch, react: () => void): void {
    this.#sent.delete(batch);
    this.#sentBytes -= batch.byteLength;
    this.#sentMessages -= batch.messages.length;
    react();
    // Half, because an outbox under a steady load is never empty.
    const { bound } = this.#owner;
    if (bound && this.byteLength * 2 <= bound.maxBytes) this.#isDropping = false;
    this.#owner.sendMore();
  }

  #onTaken(messages: readonly BackplaneMessage[]): void {
    if (!this.#refusals.isEmpty) for (const { topic } of messages) this.#refusals.taken(topic);
  }

  #onRejected(batch: Batch, error: unknown): void {
    if (this.#isCleared) {
      this.#owner.counters.backplaneDropped += batch.messages.length;
      return;
    }
    if (!this.#owner.isUp || batch.outages !== this.#owner.outages) {
      // A batch that went to several servers may come back later than the batch after it.
      const at = this.#returned.findIndex(({ number }) => number > batch.number);
      const returned = { number: batch.number, messages: new MessageQueue(batch.messages) };
      this.#returned.splice(at < 0 ? this.#returned.length : at, 0, returned);
      this.#waitingBytes += batch.byteLength;
      return;
    }
    const refused = refusedParts(batch.messages, error);
    this.#owner.counters.backplaneDropped += refused.size;
    this.#onTaken(batch.messages.filter((message) => !refused.has(message)));
    this.#refusals.add(new Map([...refused].map(([{ topic }, reason]) => [topic, reason])));
  }

  /** Drops the oldest that wait until no more than `byteLength` bytes are left. Drops none, and is false, if that cannot be reached. */
  #makeRoom(byteLength: number): boolean {
    if (this.#sentBytes > Math.max(0, byteLength)) return false;
    while (this.byteLength > byteLength && this.#takeOldest()) this.#owner.counters.backplaneDropped++;
    return true;
  }

  /** The first message that waits: what was returned comes before what is new. */
  #takeOldest(): BackplaneMessage | undefined {
    const [first] = this.#returned;
    const oldest = (first?.messages ?? this.#waiting).shift();
    if (first?.messages.length === 0) this.#returned.shift();
    if (oldest) this.#waitingBytes -= sizeOf(oldest);
    return oldest;
  }

  #reportDropping({ maxBytes, onLimit }: Required<BackplaneBufferOptions>): void {
    if (this.#isDropping) return;
    this.#isDropping = true;
    this.#owner.report(
      createError(
        "SPRY_WS_BACKPLANE_FULL",
        `more than ${maxBytes} bytes wait for the backplane: ` +
          `${onLimit === "dropNewest" ? "new messages are" : "the oldest messages are"} dropped for other processes ` +
          `(backplaneBuffer sets the bound, metrics() counts them)`,
      ),
    );
  }
}

/** The size that a message is counted with. The topic is part of it, as it may be longer than the data. */
function sizeOf({ topic, data }: BackplaneMessage): number {
  return topic.length + data.byteLength;
}
