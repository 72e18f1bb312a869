import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import type { BackplaneEvents, BackplaneLink, BackplaneMessage } from "@spry-ws/core";
import { refusalOf } from "@spry-ws/core/adapter";
import { onClosed } from "./closed.ts";
import { explainClosed, explainRefusal, failure, isPermissionViolation } from "./explain.ts";
import { subjectOf } from "./subject.ts";
import type { NatsConnectionLike, NatsStatusLike, NatsSubscriptionLike } from "./types.ts";
import { Violations } from "./violations.ts";

/** What was handed over before `close` may take so long to be answered. */
const closeMs = 2_000;
/** What was kept in an outage waits for others no longer than this, whatever the client's options say of its pauses. */
const maxWaitMs = 5_000;
/** Some need longer than others for the connection after their pause. */
const unevenMs = 250;

/** One instance's use of NATS. The connection reconnects and subscribes again by itself; this tells of it. */
export class NatsLink implements BackplaneLink {
  readonly #connection: NatsConnectionLike;
  readonly #prefix: string;
  readonly #events: BackplaneEvents;
  /** By topic. */
  readonly #subscriptions = new Map<string, NatsSubscriptionLike>();
  readonly #pending = new Set<Promise<void>>();
  readonly #violations = new Violations();
  /** Topics that are not subscribed to any more, and why, until this is told. */
  readonly #revoked = new Map<string, unknown>();
  /** Ends the waiting for answers that the client leaves open when it is closed. */
  readonly #unanswered = new Set<(error: unknown) => void>();
  readonly #ignoreClosed: () => void;
  readonly #statuses: (AsyncIterable<NatsStatusLike> & { stop?: () => void }) | undefined;
  /** When the server was last heard, as `performance.now()`. */
  #heardAt = performance.now();
  #losses = 0;
  #isUp = false;
  #isClosed = false;

  constructor(connection: NatsConnectionLike, prefix: string, events: BackplaneEvents) {
    this.#connection = connection;
    this.#prefix = prefix;
    this.#events = events;
    this.#ignoreClosed = onClosed(connection, (error) => this.#onClosed(error));
    if (connection.isClosed()) return;
    this.#statuses = connection.status();
    void this.#watch(this.#statuses);
    void this.#confirm();
  }

  publish(messages: readonly BackplaneMessage[]): Promise<void> {
    return this.#run(async () => {
      const limit = this.#connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
      const refused = new Map<BackplaneMessage, unknown>();
      const sent = new Map<string, BackplaneMessage[]>();
      for (const message of messages) {
        const { topic, data } = message;
        if (data.byteLength > limit) {
          const text = `a message of ${data.byteLength} bytes is larger than the NATS server takes: max_payload is ${limit} bytes`;
          refused.set(message, failure(text));
          continue;
        }
        const subject = subjectOf(this.#prefix, topic);
        this.#connection.publish(subject, data);
        const list = sent.get(subject);
        if (list) list.push(message);
        else sent.set(subject, [message]);
      }
      for (const [subject, { length }] of sent) this.#violations.expect(subject, length);
      try {
        await this.#flush();
      } finally {
        for (const [subject, list] of sent) {
          const { count, error } = this.#violations.take(subject, list.length);
          for (const message of list.slice(0, count)) refused.set(message, explainRefusal(error));
        }
      }
      if (refused.size > 0) throw refusalOf(refused);
    });
  }

  subscribe(topics: readonly string[]): Promise<void> {
    return this.#run(async () => {
      const refused = new Map<string, unknown>();
      const made = new Map<string, NatsSubscriptionLike>();
      let isAnswered = false;
      for (const topic of topics) {
        if (this.#subscriptions.has(topic)) continue;
        const callback = (error: Error | null, message: { readonly data: Uint8Array }) => {
          if (!error) this.#onMessage(topic, message.data);
          else if (isAnswered) this.#onRevoked(topic, subscription, error);
          else refused.set(topic, explainRefusal(error));
        };
        const subscription = this.#connection.subscribe(subjectOf(this.#prefix, topic), { callback });
        this.#subscriptions.set(topic, subscription);
        made.set(topic, subscription);
      }
      try {
        await this.#flush();
      } catch (error) {
        // The caller tries again.
        this.#leave(made);
        throw error;
      } finally {
        isAnswered = true;
      }
      if (refused.size === 0) return;
      this.#leave([...made].filter(([topic]) => refused.has(topic)));
      throw refusalOf(refused);
    });
  }

  unsubscribe(topics: readonly string[]): Promise<void> {
    return this.#run(() => {
      for (const topic of topics) {
        this.#subscriptions.get(topic)?.unsubscribe();
        this.#subscriptions.delete(topic);
      }
      return this.#answer();
    });
  }

  async close(): Promise<void> {
    if (this.#isUp) {
      const answered = new AbortController();
      const settled = Promise.allSettled(this.#pending).then(() => answered.abort());
      await Promise.race([settled, sleep(closeMs, undefined, { signal: answered.signal }).catch(() => {})]);
    }
    this.#isUp = false;
    this.#isClosed = true;
    this.#ignoreClosed();
    this.#statuses?.stop?.();
    this.#leave(this.#subscriptions);
  }

  #run(work: () => Promise<void>): Promise<void> {
    if (!this.#isUp) return Promise.reject(failure("the backplane is not connected to NATS"));
    const running = work().catch((error: unknown) => {
      throw explainRefusal(error);
    });
    this.#pending.add(running);
    const settled = () => this.#pending.delete(running);
    running.then(settled, settled);
    return running;
  }

  /** Waits until the server has dealt with what was sent, and what it refused is known. */
  async #flush(): Promise<void> {
    await this.#answer();
    // A refusal comes before the answer, but the client's event takes some more steps.
    await turn();
  }

  async #answer(): Promise<void> {
    let unanswered: (error: unknown) => void = () => {};
    try {
      await new Promise<void>((resolve, reject) => {
        unanswered = reject;
        this.#unanswered.add(reject);
        this.#connection.flush().then(resolve, reject);
      });
      this.#heardAt = performance.now();
    } catch (error) {
      // It may come before the event that tells of the loss.
      this.#onLost(error);
      throw error;
    } finally {
      this.#unanswered.delete(unanswered);
    }
  }

  #leave(subscriptions: Iterable<[topic: string, NatsSubscriptionLike]>): void {
    for (const [topic, subscription] of subscriptions) {
      subscription.unsubscribe();
      if (this.#subscriptions.get(topic) === subscription) this.#subscriptions.delete(topic);
    }
  }

  /** Never rejects. */
  async #watch(statuses: AsyncIterable<NatsStatusLike>): Promise<void> {
    try {
      for await (const { type, error } of statuses) {
        if (this.#isClosed) return;
        if (type === "disconnect") this.#onLost(error);
        else if (type === "reconnect") void this.#confirm();
        else if (type === "ping") void this.#listen();
        else if (type === "error" && error) this.#onError(error);
      }
    } catch (error) {
      if (!this.#isClosed) this.#events.error(error);
    }
  }

  /** The client sends the subscriptions again before anything else: once this is answered, they are in place. Never rejects. */
  async #confirm(): Promise<void> {
    const losses = this.#losses;
    try {
      await this.#answer();
    } catch {
      return;
    }
    // Whoever hands over again what has failed must do it after `up`, and before anything new.
    await Promise.allSettled(this.#pending);
    if (this.#isClosed || this.#isUp || losses !== this.#losses) return;
    this.#isUp = true;
    this.#events.up({ othersBackWithinMs: Math.min(longestPauseMs(this.#connection), maxWaitMs) + unevenMs });
  }

  /**
   * The client pings a connection that may be idle, and keeps the answer to itself: this asks for one more. Never rejects.
   */
  async #listen(): Promise<void> {
    try {
      await this.#connection.flush();
      this.#heardAt = performance.now();
    } catch {
      // There are events for what is lost.
    }
  }

  #onMessage(topic: string, data: Uint8Array): void {
    if (this.#isClosed) return;
    this.#heardAt = performance.now();
    this.#events.message(topic, data);
  }

  #onLost(cause: unknown): void {
    if (this.#isClosed || this.#connection.isClosed()) return;
    this.#losses++;
    this.#isUp = false;
    this.#events.down(failure("the connection to NATS is lost", cause), { lastHeardAt: this.#heardAt });
  }

  #onClosed(cause: unknown): void {
    if (this.#isClosed) return;
    this.#losses++;
    this.#isUp = false;
    const error = explainClosed(cause);
    this.#events.down(error, { permanent: true, lastHeardAt: this.#heardAt });
    for (const reject of this.#unanswered) reject(error);
  }

  #onError(error: Error): void {
    if (!isPermissionViolation(error)) this.#events.error(error);
    // Of a refused subscription its callback is told.
    else if (error.operation === "publish" && !this.#isClosed) this.#violations.add(error.subject, error);
  }

  /** The server has taken away the permission of a subscription that was in force, or refuses it after a reconnect. */
  #onRevoked(topic: string, subscription: NatsSubscriptionLike, error: Error): void {
    if (this.#isClosed || this.#subscriptions.get(topic) !== subscription) return;
    this.#subscriptions.delete(topic);
    this.#revoked.set(topic, explainRefusal(error));
    // Most often they are many.
    if (this.#revoked.size === 1) setImmediate(() => this.#tellRevoked());
  }

  #tellRevoked(): void {
    const revoked = new Map(this.#revoked);
    this.#revoked.clear();
    if (!this.#isClosed) this.#events.refused(revoked);
  }
}

/** How long connections like this one pause between two attempts at the same server, if no handler of the user's decides. */
function longestPauseMs({ options = {} }: NatsConnectionLike): number {
  const { reconnectTimeWait = 2_000, reconnectJitter = 100, reconnectJitterTLS = 1_000, tls } = options;
  return reconnectTimeWait + (tls ? reconnectJitterTLS : reconnectJitter);
}
