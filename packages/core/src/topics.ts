import type { Connection } from "./connection/connection.ts";
import { createError, describe } from "./errors.ts";
import { PublishedMessage } from "./frames/published-message.ts";
import type { Payload } from "./message.ts";
import type { PerMessageDeflateOptions } from "./options/options.ts";

/** Told when a topic gets its first subscriber in this process, and when it has lost the last one. */
export type OnInterest = (topic: string, isWanted: boolean) => void;

/** Who is subscribed to what, in this process. A topic exists for as long as it has a subscriber. */
export class Topics {
  readonly #subscribers = new Map<string, Set<Connection>>();
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

  subscribe(connection: Connection, topic: string): void {
    assertTopic(topic, "subscribe(topic)");
    if (connection.topics.has(topic)) return;
    connection.topics.add(topic);
    const subscribers = this.#subscribers.get(topic);
    if (subscribers) subscribers.add(connection);
    else {
      this.#subscribers.set(topic, new Set([connection]));
      this.#onInterest?.(topic, true);
    }
  }

  unsubscribe(connection: Connection, topic: string): void {
    assertTopic(topic, "unsubscribe(topic)");
    if (connection.topics.delete(topic)) this.#remove(connection, topic);
  }

  /** The connection has ended. It keeps its own list of topics for the `close` hook. */
  leaveAll(connection: Connection, topics: ReadonlySet<string>): void {
    for (const topic of topics) this.#remove(connection, topic);
  }

  /** Sends to every subscriber in this process but `except`. The message is framed, and compressed, once for all. */
  publish(topic: string, payload: Payload, except?: Connection): void {
    const subscribers = this.#subscribers.get(topic);
    if (!subscribers) return;
    const message = new PublishedMessage(payload, this.#deflate);
    for (const connection of subscribers) {
      if (connection !== except) connection.outbound.share(message);
    }
  }

  #remove(connection: Connection, topic: string): void {
    const subscribers = this.#subscribers.get(topic);
    subscribers?.delete(connection);
    if (subscribers?.size !== 0) return;
    this.#subscribers.delete(topic);
    this.#onInterest?.(topic, false);
  }
}

export function assertTopic(topic: unknown, caller: string): asserts topic is string {
  if (typeof topic === "string") return;
  throw createError("SPRY_WS_TOPIC", `${caller}: a topic is a string, not ${describe(topic)}`);
}
