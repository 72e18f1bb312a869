import type { HistoryAppend, HistoryPosition } from "@spry-ws/core";
import { isNotAppended, notAppended } from "@spry-ws/core/adapter";
import { parse } from "./api.ts";
import { explain, historyError, isCertain, NoResponders, Refused, wrongLastSequence } from "./explain.ts";
import type { Requests } from "./requests.ts";
import { headersBytes, headersFor, messageId, tagOf } from "./stored.ts";
import { nanosecondsPerMs, type StreamConfig } from "./stream-config.ts";

/** How many topics are remembered that have a message. */
const maxKnown = 10_000;

/** What JetStream answers to a message. */
interface Acknowledgement {
  readonly seq: number;
  readonly duplicate?: boolean;
}

/** What the appender needs of its link. */
export interface AppenderLink {
  readonly requests: Requests;
  readonly config: StreamConfig;
  /** How large a message may be, in bytes. */
  readonly maxPayload: number;
  /** The epoch of the stream that has stored a message under this number. */
  stored(subject: string, seq: number, maxAgeMs: number): Promise<string> | string;
  readonly epoch: string;
  /** There is no stream any more. */
  gone(error: unknown): void;
}

/** Appends the messages of one link. */
export class Appender {
  readonly #link: AppenderLink;
  /** Topics that have a message, those used last at the end. */
  readonly #known = new Set<string>();
  /** Topics of which it is not known, and their first message under way. Never rejects. */
  readonly #opening = new Map<string, Promise<unknown>>();

  constructor(link: AppenderLink) {
    this.#link = link;
  }

  /** What is known of the topics may not hold for another stream, or for one that was restored. */
  forget(): void {
    this.#known.clear();
  }

  /** @throws SpryWsError `notAppended` where it is certain, or another */
  append(topic: string, subject: string, message: HistoryAppend): Promise<HistoryPosition> {
    const problem = this.#problemOf(message);
    if (problem) return Promise.reject(notAppended(historyError(problem)));
    if (this.#known.has(topic)) return this.#send(topic, subject, message, false);
    const opening = this.#opening.get(topic);
    if (opening) return opening.then((failure) => this.#after(failure, topic, subject, message));
    const first = this.#open(topic, subject, message);
    const settled = first.then(
      () => undefined,
      (error: unknown) => error,
    );
    this.#opening.set(
      topic,
      settled.finally(() => this.#opening.delete(topic)),
    );
    return first;
  }

  #problemOf({ data, idWindowMs, retention }: HistoryAppend): string | undefined {
    const { config, maxPayload } = this.#link;
    const { max_msgs_per_subject: most, duplicate_window: window, name } = config;
    if (most > 0 && retention.maxMessages > most)
      return (
        `the topic keeps ${retention.maxMessages} messages, and the JetStream stream "${name}" only ${most} of each topic: ` +
        "raise its max_msgs_per_subject, or lower `maxMessages` of the topic"
      );
    if (idWindowMs * nanosecondsPerMs > window)
      return (
        `ids have to be remembered for ${idWindowMs} ms, and the JetStream stream "${name}" does it for ` +
        `${window / nanosecondsPerMs} ms: raise its duplicate_window`
      );
    if (data.byteLength + headersBytes > maxPayload)
      return (
        `a message of ${data.byteLength} bytes and ${headersBytes} for its headers is larger than the NATS server takes: ` +
        `max_payload is ${maxPayload} bytes`
      );
    return undefined;
  }

  /** Behind the first message of a topic. */
  #after(failure: unknown, topic: string, subject: string, message: HistoryAppend): Promise<HistoryPosition> {
    // The time of a call began with it: it cannot wait for another answer that may not come.
    if (failure && !isNotAppended(failure)) return Promise.reject(notAppended(failure));
    return this.append(topic, subject, message);
  }

  /**
   * Says that a message is the first of its topic, so that a position in front of it is known to miss nothing. JetStream refuses it
   * where that is not so, and then it is one like others.
   */
  async #open(topic: string, subject: string, message: HistoryAppend): Promise<HistoryPosition> {
    try {
      return await this.#send(topic, subject, message, true);
    } catch (error) {
      const { cause } = error as Error;
      if (!(cause instanceof Refused && cause.errorCode === wrongLastSequence)) throw error;
      this.#know(topic);
      return this.#send(topic, subject, message, false);
    }
  }

  async #send(
    topic: string,
    subject: string,
    { data, id, retention: { maxAgeMs } }: HistoryAppend,
    isFirst: boolean,
  ): Promise<HistoryPosition> {
    const { requests } = this.#link;
    const name = messageId(topic, id);
    try {
      const headers = headersFor(name, maxAgeMs, isFirst);
      const { seq, duplicate } = parse<Acknowledgement>(await requests.request(subject, data, headers));
      this.#know(topic);
      const epoch = duplicate ? this.#link.epoch : await this.#link.stored(subject, seq, maxAgeMs);
      return { epoch, seq, tag: tagOf(name) };
    } catch (error) {
      if (error instanceof NoResponders) this.#link.gone(explain(error));
      throw isCertain(error) ? notAppended(explain(error)) : explain(error);
    }
  }

  #know(topic: string): void {
    this.#known.delete(topic);
    this.#known.add(topic);
    if (this.#known.size <= maxKnown) return;
    for (const oldest of this.#known) {
      this.#known.delete(oldest);
      break;
    }
  }
}
