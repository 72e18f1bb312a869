import { randomBytes } from "node:crypto";
import type { NatsConnectionLike, NatsHeadersLike, NatsMessageLike, NatsSubscriptionLike } from "../types.ts";
import { historyError, NoResponders } from "./explain.ts";

/** How long an answer may take. A call of a link has to settle within 10 seconds. */
const timeoutMs = 8_000;
const checkMs = 500;

interface Waiting {
  readonly subject: string;
  /** @returns whether this was the last answer */
  take(message: NatsMessageLike): boolean;
  resolve(): void;
  reject(error: unknown): void;
}

interface Pending extends Waiting {
  readonly expiresAt: number;
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
  #closedFor: unknown;

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
    const token = this.#nextToken();
    return new Promise((resolve, reject) => {
      if (this.#closedFor) throw this.#closedFor;
      const reply = this.#inbox + token;
      // It throws where the connection is closed: the promise rejects then.
      this.#answers ??= this.#subscribe();
      this.#connection.publish(subject, data, headers ? { reply, headers } : { reply });
      this.#await(token, { subject, take, resolve, reject });
    });
  }

  /** As `collect`, for what a consumer delivers: that comes under the subject it was stored with, which does not say for whom it is. */
  deliver(subject: string, data: Uint8Array, take: (message: NatsMessageLike) => boolean): Promise<void> {
    const token = this.#nextToken();
    let delivered: NatsSubscriptionLike | undefined;
    return new Promise<void>((resolve, reject) => {
      if (this.#closedFor) throw this.#closedFor;
      const reply = `${this.#inbox}own.${token}`;
      delivered = this.#connection.subscribe(reply, {
        callback: (error, message) => (error ? reject(error) : this.#onAnswer(token, message)),
      });
      this.#connection.publish(subject, data, { reply });
      this.#await(token, { subject, take, resolve, reject });
    }).finally(() => {
      this.#pending.delete(token);
      delivered?.unsubscribe();
    });
  }

  /** Sends without waiting for an answer. */
  tell(subject: string): void {
    if (!this.#closedFor) this.#connection.publish(subject, new Uint8Array());
  }

  /** Rejects what waits for an answer: all of it, or what was sent to one subject. */
  fail(error: unknown, subject?: string): void {
    for (const [token, pending] of this.#pending) {
      if (subject !== undefined && pending.subject !== subject) continue;
      this.#pending.delete(token);
      pending.reject(error);
    }
  }

  /** @param error what calls reject with from now on */
  close(error: unknown): void {
    this.#closedFor = error;
    this.#answers?.unsubscribe();
    this.fail(error);
    clearInterval(this.#timer);
  }

  #nextToken(): string {
    return (this.#count++).toString(36);
  }

  #await(token: string, waiting: Waiting): void {
    this.#pending.set(token, { ...waiting, expiresAt: performance.now() + timeoutMs });
    this.#timer ??= setInterval(() => this.#expire(), checkMs).unref();
  }

  #subscribe(): NatsSubscriptionLike {
    return this.#connection.subscribe(`${this.#inbox}*`, {
      callback: (error, message) => {
        if (!error) return this.#onAnswer(message.subject.slice(this.#inbox.length), message);
        // The server does not permit it, and may later.
        this.#answers = undefined;
        this.fail(error);
      },
    });
  }

  #onAnswer(token: string, message: NatsMessageLike): void {
    const pending = this.#pending.get(token);
    if (!pending) return;
    if (message.headers?.code === 503 && message.data.length === 0) {
      this.#pending.delete(token);
      pending.reject(new NoResponders(pending.subject));
      return;
    }
    try {
      if (!pending.take(message)) return;
      this.#pending.delete(token);
      pending.resolve();
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
