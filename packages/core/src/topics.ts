import { createError, describe } from "./errors.ts";
import { PublishedMessage } from "./frames/published-message.ts";
import type { Payload } from "./message.ts";
import type { PerMessageDeflateOptions } from "./options/options.ts";

/** Told when a topic gets its first subscriber in this process, and when it has lost the last one. */
export type OnInterest = (topic: string, isWanted: boolean) => void;

/** Who can be subscribed: an open connection. */
export interface Subscriber {
  /** Kept by the topics. */
  readonly topics: Set<string>;
  readonly outbound: { share(message: PublishedMessage): void };
}

/** Who is subscribed to what, in this process. A topic exists for as long as it has a subscriber. */
export class Topics {
  readonly #subscribers = new Map<string, Set<Subscriber>>();
  readonly #deflate: false | PerMessageDeflateOptions;
  readonly #onInterest: OnInterest | undefined;

  constructor(deflate: false | PerMessageDeflateOptions, onInterest?: OnInterest) {
    this.#deflate = deflate;
    this.#onInterest = onInterest;
  }

  /** How many topics have a subscriber. */
  get size(): number {
    return this.#subscribers.size;
  }

  subscribe(subscriber: Subscriber, topic: string): void {
    assertTopic(topic, "subscribe(topic)");
    if (subscriber.topics.has(topic)) return;
    subscriber.topics.add(topic);
    const subscribers = this.#subscribers.get(topic);
    if (subscribers) subscribers.add(subscriber);
    else {
      this.#subscribers.set(topic, new Set([subscriber]));
      this.#onInterest?.(topic, true);
    }
  }

  unsubscribe(subscriber: Subscriber, topic: string): void {
    assertTopic(topic, "unsubscribe(topic)");
    if (subscriber.topics.delete(topic)) this.#remove(subscriber, topic);
  }

  /** The subscriber has ended. It keeps its own list of topics for the `close` hook. */
  leaveAll(subscriber: Subscriber, topics: ReadonlySet<string>): void {
    for (const topic of topics) this.#remove(subscriber, topic);
  }

  /** Sends to every subscriber in this process but `except`. The message is framed, and compressed, once for all. */
  publish(topic: string, payload: Payload, except?: Subscriber): void {
    const subscribers = this.#subscribers.get(topic);
    if (!subscribers) return;
    const message = new PublishedMessage(payload, this.#deflate);
    for (const subscriber of subscribers) {
      if (subscriber !== except) subscriber.outbound.share(message);
    }
  }

  #remove(subscriber: Subscriber, topic: string): void {
    const subscribers = this.#subscribers.get(topic);
    subscribers?.delete(subscriber);
    if (subscribers?.size !== 0) return;
    this.#subscribers.delete(topic);
    this.#onInterest?.(topic, false);
  }
}

export function assertTopic(topic: unknown, caller: string): asserts topic is string {
  if (typeof topic === "string") return;
  throw createError("SPRY_WS_TOPIC", `${caller}: a topic is a string, not ${describe(topic)}`);
}
