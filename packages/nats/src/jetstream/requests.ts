import { randomBytes } from "node:crypto";
import type { NatsConnectionLike, NatsHeadersLike, NatsMessageLike, NatsSubscriptionLike } from "../types.ts";
import { historyError, NoResponders } from "./explain.ts";

/** How long an answer may take. A call of a link has to settle within 10 seconds. */
const timeoutMs = 8_000;
const checkMs = 500;

interface Pending {
  readonly subject: string;
  readonly expiresAt: number;
  /** @returns whether this was the last answer */
  take(message: NatsMessageLike): boolean;
  reject(error: unknown): void;
}

/**
 * Requests of one link and their answers, which come through one subscription: the client's own `request` makes a timer and a stack
 * trace for each, and takes one answer.
 */
export class Requests {
  readonly #connection: NatsConnectionLike;
  readonly #inbox: string;
  #answers: NatsSubscriptionLike | undefined;
  readonly #pending = new Map<string, Pending>();
  #timer: NodeJS.Timeout | undefined;
  #count = 0;

  constructor(connection: NatsConnectionLike) {
    this.#connection = connection;
    this.#inbox = `${connection.options?.inboxPrefix ?? "_INBOX"}.${randomBytes(12).toString("hex")}.`;
  }

  /** @throws NoResponders where nobody takes such requests; what was sent has had no effect then */
  request(subject: string, data: Uint8Array, headers?: NatsHeadersLike): Promise<NatsMessageLike> {
    let answer: NatsMessageLike;
    const take = (message: NatsMessageLike) => {
      answer = message;
      return true;
    };
    return this.collect(subject, data, take, headers).then(() => answer);
  }

  /** For requests with several answers. @param take returns whether it has been given the last one */
  collect(
    subject: string,
    data: Uint8Array,
    take: (message: NatsMessageLike) => boolean,
    headers?: NatsHeadersLike,
  ): Promise<void> {
    const token = (this.#count++).toString(36);
    const reply = this.#inbox + token;
    return new Promise((resolve, reject) => {
      // It throws where the connection is closed, or the message too large: nothing was sent then.
      this.#answers ??= this.#subscribe();
      this.#connection.publish(subject, data, headers ? { reply, headers } : { reply });
      this.#pending.set(token, {
        subject,
        expiresAt: performance.now() + timeoutMs,
        take(message) {
          const isLast = take(message);
          if (isLast) resolve();
          return isLast;
        },
        reject,
      });
      this.#timer ??= setInterval(() => this.#expire(), checkMs).unref();
    });
  }

  /** Sends without waiting for an answer. */
  tell(subject: string): void {
    this.#connection.publish(subject, new Uint8Array());
  }

  /** Rejects what waits for an answer: all of it, or what was sent to one subject. */
  fail(error: unknown, subject?: string): void {
    for (const [token, pending] of this.#pending) {
      if (subject !== undefined && pending.subject !== subject) continue;
      this.#pending.delete(token);
      pending.reject(error);
    }
  }

  close(error: unknown): void {
    this.#answers?.unsubscribe();
    this.fail(error);
    clearInterval(this.#timer);
  }

  #subscribe(): NatsSubscriptionLike {
    return this.#connection.subscribe(`${this.#inbox}*`, {
      callback: (error, message) => {
        if (!error) return this.#onAnswer(message);
        // The server does not permit it, and may later.
        this.#answers = undefined;
        this.fail(error);
      },
    });
  }

  #onAnswer(message: NatsMessageLike): void {
    const token = message.subject.slice(this.#inbox.length);
    const pending = this.#pending.get(token);
    if (!pending) return;
    if (message.headers?.code === 503 && message.data.length === 0) {
      this.#pending.delete(token);
      pending.reject(new NoResponders(pending.subject));
      return;
    }
    try {
      if (pending.take(message)) this.#pending.delete(token);
    } catch (error) {
      this.#pending.delete(token);
      pending.reject(error);
    }
  }

  #expire(): void {
    const now = performance.now();
    // All wait equally long: the first are the oldest.
    for (const [token, pending] of this.#pending) {
      if (pending.expiresAt > now) return;
      this.#pending.delete(token);
      pending.reject(historyError(`JetStream did not answer to ${pending.subject} within ${timeoutMs} ms`));
    }
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
