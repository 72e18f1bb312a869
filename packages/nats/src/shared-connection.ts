import { explainClosed, isSubscriptionLimit } from "./explain.ts";
import { type Limited, SubscriptionQueue } from "./subscription-queue.ts";
import type { NatsConnectionLike, NatsStatusLike } from "./types.ts";

/** A link, as its connection sees it. */
export interface ConnectionListener {
  /** @param reason why, if the client says it */
  onLost(reason?: string): void;
  onReconnected(): void;
  onClosed(error: Error): void;
  onError(error: unknown): void;
}

const connections = new WeakMap<NatsConnectionLike, SharedConnection>();

/**
 * What the links of one connection share. All of them are told of its loss and its return: the client reconnects and subscribes
 * again by itself. When the server refuses a subscription because there are too many, it does not say which, so one queue makes
 * the subscriptions of all links.
 */
export class SharedConnection implements Limited {
  readonly connection: NatsConnectionLike;
  readonly subscriptions: SubscriptionQueue;
  /** When the server was last heard, as `performance.now()`. */
  heardAt: number = performance.now();
  /** How often the server has refused a subscription for their number. */
  refusals = 0;
  lastRefusal: Error | undefined;
  readonly #listeners = new Set<ConnectionListener>();
  /** Rejects the promises that wait for an answer: the client leaves them open when it is closed. */
  readonly #unanswered = new Set<(error: unknown) => void>();
  #statuses: (AsyncIterable<NatsStatusLike> & { stop?: () => void }) | undefined;
  #refusalsAtLoss = 0;
  #closedFor: Error | undefined;

  private constructor(connection: NatsConnectionLike) {
    this.connection = connection;
    this.subscriptions = new SubscriptionQueue(this);
    const onClosed = (error: unknown) => this.#onClosed(explainClosed(error));
    // Only once for a connection: such a listener stays until the connection is closed, and a process may make a publisher for each job.
    connection.closed().then(onClosed, onClosed);
  }

  static join(connection: NatsConnectionLike, listener: ConnectionListener): SharedConnection {
    let shared = connections.get(connection);
    if (!shared) {
      shared = new SharedConnection(connection);
      connections.set(connection, shared);
    }
    shared.#join(listener);
    return shared;
  }

  leave(listener: ConnectionListener): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size > 0) return;
    this.#statuses?.stop?.();
    this.#statuses = undefined;
  }

  /** Whether the server has refused subscriptions since the connection was lost. */
  get isLimited(): boolean {
    return this.refusals > this.#refusalsAtLoss;
  }

  /** Waits until the server has dealt with what was sent. */
  async answer(): Promise<void> {
    let unanswered: (error: unknown) => void = () => {};
    try {
      await new Promise<void>((resolve, reject) => {
        unanswered = reject;
        this.#unanswered.add(reject);
        this.connection.flush().then(resolve, reject);
      });
      this.heardAt = performance.now();
    } catch (error) {
      // This rejection may come before the event that tells of the loss.
      for (const listener of this.#listeners) listener.onLost();
      throw error;
    } finally {
      this.#unanswered.delete(unanswered);
    }
  }

  #join(listener: ConnectionListener): void {
    this.#listeners.add(listener);
    const error = this.#closedFor;
    if (error) queueMicrotask(() => listener.onClosed(error));
    else if (!this.#statuses && !this.connection.isClosed()) {
      this.#statuses = this.connection.status();
      void this.#watch(this.#statuses);
    }
  }

  /** Never rejects. */
  async #watch(statuses: AsyncIterable<NatsStatusLike>): Promise<void> {
    let reason: string | undefined;
    try {
      for await (const { type, error } of statuses) {
        if (type === "staleConnection") reason = "the server did not answer the pings of the client";
        else if (type === "disconnect") {
          this.#refusalsAtLoss = this.refusals;
          for (const listener of this.#listeners) listener.onLost(reason);
          reason = undefined;
        } else if (type === "reconnect") for (const listener of this.#listeners) listener.onReconnected();
        else if (type === "ping") void this.#listen();
        else if (type === "error" && error) this.#onError(error);
      }
    } catch (error) {
      for (const listener of this.#listeners) listener.onError(error);
    }
  }

  /**
   * Notes when the server was last heard. The client sends a ping of its own when the connection may be idle, but does not tell of the
   * answer: so this asks for another one. Never rejects.
   */
  async #listen(): Promise<void> {
    await this.answer().catch(() => {});
  }

  #onError(error: Error): void {
    if (isSubscriptionLimit(error)) {
      this.refusals++;
      this.lastRefusal = error;
    } else for (const listener of this.#listeners) listener.onError(error);
  }

  #onClosed(error: Error): void {
    this.#closedFor = error;
    for (const listener of this.#listeners) listener.onClosed(error);
    for (const reject of this.#unanswered) reject(error);
  }
}
