import { createError, describe } from "./errors.ts";
import { Channel, FanOut, type Recipient } from "./fan-out.ts";
import { PublishedMessage } from "./frames/published-message.ts";
import type { Payload } from "./message.ts";
import type { PerMessageDeflateOptions } from "./options/options.ts";

/** Told when a topic gets its first subscriber in this process, and when it has lost the last one. */
export type OnInterest = (topic: string, isWanted: boolean) => void;

/** Who can be subscribed: an open connection. */
export interface Subscriber extends Recipient {
  /** Kept by the topics. */
  readonly topics: Set<string>;
}

export interface TopicsOptions {
  readonly perMessageDeflate: false | PerMessageDeflateOptions;
  readonly writeSliceMs: number;
}

/** Who is subscribed to what, in this process. A topic exists for as long as it has a subscriber. */
export class Topics {
  readonly #channels = new Map<string, Channel>();
  readonly #deflate: false | PerMessageDeflateOptions;
  readonly #onInterest: OnInterest | undefined;
  readonly #fanOut: FanOut;

  constructor({ perMessageDeflate, writeSliceMs }: TopicsOptions, onInterest?: OnInterest) {
    this.#deflate = perMessageDeflate;
    this.#onInterest = onInterest;
    this.#fanOut = new FanOut(writeSliceMs);
  }

  /** How many topics have a subscriber. */
  get size(): number {
    return this.#channels.size;
  }

  subscribe(subscriber: Subscriber, topic: string): void {
    assertTopic(topic, "subscribe(topic)");
    if (subscriber.topics.has(topic)) return;
    subscriber.topics.add(topic);
    this.#fanOut.begin(subscriber);
    const channel = this.#channels.get(topic);
    if (channel) channel.recipients.add(subscriber);
    else {
      this.#channels.set(topic, new Channel(subscriber));
      this.#onInterest?.(topic, true);
    }
  }

  unsubscribe(subscriber: Subscriber, topic: string): void {
    assertTopic(topic, "unsubscribe(topic)");
    if (!subscriber.topics.delete(topic)) return;
    this.catchUp(subscriber);
    this.#remove(subscriber, topic);
  }

  /** The subscriber has ended. It keeps its own list of topics for the `close` hook. */
  leaveAll(subscriber: Subscriber, topics: ReadonlySet<string>): void {
    for (const topic of topics) this.#remove(subscriber, topic);
  }

  /** Sends to every subscriber in this process but `except`. The message is framed, and compressed, once for all. */
  publish(topic: string, payload: Payload, except?: Subscriber): void {
    const channel = this.#channels.get(topic);
    if (!channel) return;
    const message = new PublishedMessage(payload, this.#deflate);
    // A compressed message is another one for each size of window, and must be made before the user changes its bytes.
    if (this.#deflate) this.#fanOut.giveAtOnce(channel, message, except);
    else this.#fanOut.publish(channel, message, except);
  }

  /** Gives a subscriber what was published so far and waits to be given, before anything else is sent to it. */
  catchUp(subscriber: Subscriber): void {
    this.#fanOut.catchUp(subscriber);
  }

  #remove(subscriber: Subscriber, topic: string): void {
    const channel = this.#channels.get(topic);
    channel?.recipients.delete(subscriber);
    if (channel?.recipients.size !== 0) return;
    this.#channels.delete(topic);
    this.#onInterest?.(topic, false);
  }
}

export function assertTopic(topic: unknown, caller: string): asserts topic is string {
  if (typeof topic === "string") return;
  throw createError("SPRY_WS_TOPIC", `${caller}: a topic is a string, not ${describe(topic)}`);
}
