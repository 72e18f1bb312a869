import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import type { BackplaneEvents, BackplaneLink, BackplaneMessage } from "@spry-ws/core";
import { onClosed } from "./closed.ts";
import { explainClosed, explainRefusal, failure, isPermissionViolation } from "./explain.ts";
import { subjectOf } from "./subject.ts";
import type { NatsConnectionLike, NatsStatusLike, NatsSubscriptionLike } from "./types.ts";

/** What was handed over before `close` may take so long to be answered. */
const closeMs = 2_000;

/** One instance's use of NATS. The connection reconnects and subscribes again by itself; this tells of it. */
export class NatsLink implements BackplaneLink {
  readonly #connection: NatsConnectionLike;
  readonly #prefix: string;
  readonly #events: BackplaneEvents;
  /** By topic. */
  readonly #subscriptions = new Map<string, NatsSubscriptionLike>();
  readonly #pending = new Set<Promise<void>>();
  /** What the server has refused since the calls in `#pending` began, by operation and subject. */
  readonly #refused = new Map<string, Error>();
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
      const operations = new Set<string>();
      let tooLarge: Error | undefined;
      for (const { topic, data } of messages) {
        if (data.byteLength > limit) {
          tooLarge ??= failure(
            `a message of ${data.byteLength} bytes is larger than the NATS server takes: max_payload is ${limit} bytes`,
          );
          continue;
        }
        const subject = subjectOf(this.#prefix, topic);
        this.#connection.publish(subject, data);
        operations.add(`publish ${subject}`);
      }
      await this.#flush(operations);
      if (tooLarge) throw tooLarge;
    });
  }

  subscribe(topics: readonly string[]): Promise<void> {
    return this.#run(async () => {
      const operations = new Set<string>();
      for (const topic of topics) {
        if (this.#subscriptions.has(topic)) continue;
        const subject = subjectOf(this.#prefix, topic);
        const operation = `subscribe ${subject}`;
        operations.add(operation);
        const callback = (error: Error | null, message: { readonly data: Uint8Array }) => {
          if (error) this.#onRefused(operation, error);
          else this.#onMessage(topic, message.data);
        };
        this.#subscriptions.set(topic, this.#connection.subscribe(subject, { callback }));
      }
      try {
        await this.#flush(operations);
      } catch (error) {
        // The caller tries again.
        this.#leave(topics);
        throw error;
      }
    });
  }

  unsubscribe(topics: readonly string[]): Promise<void> {
    return this.#run(() => {
      this.#leave(topics);
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
    this.#leave([...this.#subscriptions.keys()]);
  }

  #run(work: () => Promise<void>): Promise<void> {
    if (!this.#isUp) return Promise.reject(failure("the backplane is not connected to NATS"));
    const running = work().catch((error: unknown) => {
      throw explainRefusal(error);
    });
    this.#pending.add(running);
    const settled = () => {
      this.#pending.delete(running);
      if (this.#pending.size === 0) this.#refused.clear();
    };
    running.then(settled, settled);
    return running;
  }

  /** Waits until the server has dealt with what was sent, and throws what it refused of these operations. */
  async #flush(operations: ReadonlySet<string>): Promise<void> {
    await this.#answer();
    // A refusal comes before the answer, but the client's event takes some more steps.
    await turn();
    for (const [operation, error] of this.#refused) if (operations.has(operation)) throw error;
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

  #leave(topics: readonly string[]): void {
    for (const topic of topics) {
      this.#subscriptions.get(topic)?.unsubscribe();
      this.#subscriptions.delete(topic);
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
    this.#events.up();
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
    // Of a refused subscription its callback is told.
    if (!isPermissionViolation(error)) this.#events.error(error);
    else if (error.operation === "publish") this.#onRefused(`publish ${error.subject}`, error);
  }

  /** A call that is under way rejects with it; a subscription may also be refused after a reconnect. */
  #onRefused(operation: string, error: Error): void {
    if (this.#isClosed) return;
    if (this.#pending.size > 0) this.#refused.set(operation, error);
    else this.#events.error(explainRefusal(error));
  }
}
