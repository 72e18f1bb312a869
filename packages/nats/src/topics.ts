import { setImmediate as turn } from "node:timers/promises";
import type { SharedConnection } from "./shared-connection.ts";
import { subjectOf } from "./subject.ts";
import { Topic } from "./topic.ts";
import type { NatsMessageLike } from "./types.ts";

/** Topics that the server does not let this connection subscribe to, and what it said. */
export type RefusedTopics = ReadonlyMap<string, Error>;

/** The topics that one link is subscribed to. The client subscribes again by itself when it reconnects. */
export class Topics {
  readonly #shared: SharedConnection;
  readonly #prefix: string;
  readonly #onMessage: (topic: string, message: NatsMessageLike) => void;
  readonly #onRevoked: (topics: RefusedTopics) => void;
  readonly #topics = new Map<string, Topic>();
  /** Topics that the server has taken away, and why, until the link has been told. */
  #revoked = new Map<string, Error>();

  constructor(
    shared: SharedConnection,
    prefix: string,
    on: { message(topic: string, message: NatsMessageLike): void; revoked(topics: RefusedTopics): void },
  ) {
    this.#shared = shared;
    this.#prefix = prefix;
    this.#onMessage = on.message;
    this.#onRevoked = on.revoked;
  }

  /** @returns those that the server refuses */
  async subscribe(names: readonly string[]): Promise<RefusedTopics> {
    const wanted: Topic[] = [];
    for (const name of names) {
      if (this.#topics.has(name)) continue;
      const topic = new Topic(name, subjectOf(this.#prefix, name), {
        message: (message) => this.#onMessage(name, message),
        revoked: (error) => this.#revoke(topic, error),
      });
      this.#topics.set(name, topic);
      wanted.push(topic);
    }
    try {
      await this.#shared.subscriptions.subscribe(wanted);
    } catch (error) {
      // The caller tries again.
      for (const topic of wanted) this.#leave(topic);
      throw error;
    }
    return this.#takeRefused(wanted);
  }

  unsubscribe(names: readonly string[]): Promise<void> {
    for (const name of names) this.#leave(this.#topics.get(name));
    return this.#shared.answer();
  }

  /**
   * Settles once the server has taken or refused the subscriptions. After a reconnect the client sends them before anything else, so
   * an answer to what is sent now comes when they are in place.
   */
  async confirm(): Promise<void> {
    await this.#shared.answer();
    await turn();
    if (this.#shared.isLimited) await this.#shared.subscriptions.sort([...this.#topics.values()]);
  }

  /** Leaves those that the server has refused. @returns them */
  takeRefused(): RefusedTopics {
    return this.#takeRefused([...this.#topics.values()]);
  }

  close(): void {
    for (const topic of [...this.#topics.values()]) this.#leave(topic);
    this.#revoked.clear();
  }

  #takeRefused(topics: readonly Topic[]): RefusedTopics {
    const refused = new Map<string, Error>();
    for (const topic of topics) {
      topic.isConfirmed = !topic.error;
      if (!topic.error) continue;
      if (!topic.isLeft) refused.set(topic.name, topic.error);
      this.#leave(topic);
    }
    return refused;
  }

  #leave(topic: Topic | undefined): void {
    if (!topic) return;
    topic.isLeft = true;
    topic.made?.unsubscribe();
    if (this.#topics.get(topic.name) === topic) this.#topics.delete(topic.name);
  }

  /** The server has taken away the permission of a subscription that was in force, or refuses it after a reconnect. */
  #revoke(topic: Topic, error: Error): void {
    if (topic.isLeft) return;
    this.#leave(topic);
    this.#revoked.set(topic.name, error);
    // Many are told together: most often a permission that is taken away concerns more than one topic.
    if (this.#revoked.size === 1) setImmediate(() => this.#tellRevoked());
  }

  #tellRevoked(): void {
    const revoked = this.#revoked;
    this.#revoked = new Map();
    if (revoked.size > 0) this.#onRevoked(revoked);
  }
}
