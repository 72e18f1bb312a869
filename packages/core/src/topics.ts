import { createError, describe } from "./errors.ts";
import { Channel, FanOut, type Recipient } from "./fan-out.ts";
import { PublishedMessage } from "./frames/published-message.ts";
import type { Payload } from "./message.ts";
import type { PerMessageDeflateOptions } from "./options/options.ts";
import { assertListener, type TopicListener, TopicListeners } from "./topic-listeners.ts";

/** Told when a topic gets its first subscriber or listener in this process, and when it has lost the last one. */
export type OnInterest = (topic: string, isWanted: boolean) => void;

/** Who can be subscribed: an open connection. */
export interface Subscriber extends Recipient {
  /** Kept by the topics. */
  readonly topics: Set<string>;
  /** Whether neither side has begun to close. */
  readonly isOpen: boolean;
  close(code: number, reason: string): Promise<void>;
}

export interface TopicsOptions {
  readonly perMessageDeflate: false | PerMessageDeflateOptions;
  readonly writeSliceMs: number;
}

interface TopicsOwner {
  readonly onInterest?: OnInterest | undefined;
  /** What was published has been written to all subscribers, so many milliseconds later. Undefined where nobody wants to know. */
  readonly onDelivered?: ((ms: number) => void) | undefined;
  /** Takes what listeners throw or reject with. Never throws. */
  onListenerError(error: unknown): void;
}

/** Who is subscribed to what, in this process. A topic exists for as long as it has a subscriber or listener. */
export class Topics {
  readonly #channels = new Map<string, Channel>();
  readonly #deflate: false | PerMessageDeflateOptions;
  readonly #onInterest: OnInterest | undefined;
  readonly #onDelivered: TopicsOwner["onDelivered"];
  readonly #fanOut: FanOut;
  readonly #listeners: TopicListeners;

  constructor({ perMessageDeflate, writeSliceMs }: TopicsOptions, owner: TopicsOwner) {
    this.#deflate = perMessageDeflate;
    this.#onInterest = owner.onInterest;
    this.#onDelivered = owner.onDelivered;
    this.#fanOut = new FanOut(writeSliceMs);
    this.#listeners = new TopicListeners((error) => owner.onListenerError(error));
  }

  /** How many topics have a subscriber. */
  get size(): number {
    return this.#channels.size;
  }

  /** How many listeners the process has, and to which topics. */
  get listeners(): Pick<TopicListeners, "size" | "topics"> {
    return this.#listeners;
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
      if (!this.#listeners.has(topic)) this.#onInterest?.(topic, true);
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

  /** How many open subscribers a topic has in this process. */
  count(topic: string): number {
    let count = 0;
    for (const { isOpen } of this.#subscribers(topic)) if (isOpen) count++;
    return count;
  }

  /** Closes all subscribers of a topic in this process, behind what was published to it. */
  close(topic: string, code: number, reason: string): void {
    // Of now: hooks that are called meanwhile may subscribe others.
    for (const subscriber of [...this.#subscribers(topic)]) void subscriber.close(code, reason);
  }

  /** The process itself listens to a topic. @returns ends it; more than once is nothing */
  listen(topic: string, listener: TopicListener): () => void {
    assertTopic(topic, "subscribe(topic, listener)");
    assertListener(listener);
    if (this.#listeners.isClosed) return () => {};
    const isFirst = !this.#channels.has(topic) && !this.#listeners.has(topic);
    const remove = this.#listeners.add(topic, listener);
    if (isFirst) this.#onInterest?.(topic, true);
    return () => {
      if (remove() && !this.#channels.has(topic)) this.#onInterest?.(topic, false);
    };
  }

  /** Ends all listeners of the process, for good. */
  stopListening(): void {
    this.#listeners.close();
  }

  /**
   * Sends to every subscriber in this process but `except`, then tells the listeners. The message is framed, and compressed, once
   * for all.
   */
  publish(topic: string, payload: Payload, except?: Subscriber): void {
    const channel = this.#channels.get(topic);
    if (channel) {
      if (this.#onDelivered) this.#sendTimed(channel, payload, except, this.#onDelivered);
      else this.#send(channel, payload, except);
    }
    if (this.#listeners.size > 0) this.#listeners.tell(topic, payload);
  }

  /** Gives a subscriber what was published so far and waits to be given, before anything else is sent to it. */
  catchUp(subscriber: Subscriber): void {
    this.#fanOut.catchUp(subscriber);
  }

  #subscribers(topic: string): Iterable<Subscriber> {
    return (this.#channels.get(topic)?.recipients ?? []) as Iterable<Subscriber>;
  }

  #send(channel: Channel, payload: Payload, except: Subscriber | undefined): void {
    const message = new PublishedMessage(payload, this.#deflate);
    // A compressed message is another one for each size of window, and must be made before the user changes its bytes.
    if (this.#deflate) this.#fanOut.giveAtOnce(channel, message, except);
    else this.#fanOut.publish(channel, message, except);
  }

  #sendTimed(
    channel: Channel,
    payload: Payload,
    except: Subscriber | undefined,
    onDelivered: (ms: number) => void,
  ): void {
    const startedAt = performance.now();
    this.#send(channel, payload, except);
    this.#fanOut.whenGiven(channel, () => onDelivered(performance.now() - startedAt));
  }

  #remove(subscriber: Subscriber, topic: string): void {
    const channel = this.#channels.get(topic);
    channel?.recipients.delete(subscriber);
    if (channel?.recipients.size !== 0) return;
    this.#channels.delete(topic);
    if (!this.#listeners.has(topic)) this.#onInterest?.(topic, false);
  }
}

export function assertTopic(topic: unknown, caller: string): asserts topic is string {
  if (typeof topic === "string") return;
  throw createError("SPRY_WS_TOPIC", `${caller}: a topic is a string, not ${describe(topic)}`);
}
