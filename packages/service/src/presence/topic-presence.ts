import { LocalMembers } from "./local-members.ts";
import { type MemberValue, valueFrom } from "./member-value.ts";
import { Membership } from "./membership.ts";
import type { PresenceListener } from "./view.ts";

/** What a topic needs of whoever has it. */
export interface TopicOwner {
  /** Monotonic, in milliseconds. */
  now(): number;
  /** Something is to be told: `flush` is to be called soon. */
  changed(topic: TopicPresence): void;
  /** Takes the errors of listeners. */
  report(error: unknown): void;
}

/** Who is present in one topic, as this process knows it. It has no timers of its own, and does nothing that is not called. */
export class TopicPresence {
  readonly topic: string;
  readonly membership: Membership;
  readonly #owner: TopicOwner;
  readonly #local: LocalMembers;
  /** The highest that was seen in this topic. */
  #stamp = 0;

  constructor(topic: string, owner: TopicOwner) {
    this.topic = topic;
    this.#owner = owner;
    this.membership = new Membership((error) => owner.report(error));
    this.#local = new LocalMembers((key) => this.#mark(key));
  }

  /** Whether anybody is present here, or listens. */
  get isUsed(): boolean {
    return this.#local.size > 0 || this.membership.hasListeners;
  }

  /** A connection has joined, or has other data. */
  set(connection: object, key: string, json: string | undefined): void {
    this.#local.set(connection, key, valueFrom(++this.#stamp, json));
  }

  keyOf(connection: object): string | undefined {
    return this.#local.keyOf(connection);
  }

  /** @param graceMs for how long the member stays if this was its last connection */
  leave(connection: object, graceMs: number): void {
    this.#local.leave(connection, graceMs > 0 ? this.#owner.now() + graceMs : undefined);
  }

  listen(listener: PresenceListener): () => void {
    return this.membership.listen(listener);
  }

  /** Time has passed. */
  tick(): void {
    this.#local.expire(this.#owner.now());
  }

  /** Tells what has changed. */
  flush(): void {
    this.membership.tell((key) => this.#valueOf(key));
  }

  #mark(key: string): void {
    this.membership.mark(key);
    this.#owner.changed(this);
  }

  #valueOf(key: string): MemberValue | undefined {
    return this.#local.get(key);
  }
}
