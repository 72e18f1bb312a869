import type { Subscription as Asked } from "@spry-ws/contract/wire";
import { toNeed } from "./positions.ts";
import { Subscription, type SubscriptionOwner } from "./subscription.ts";
import type { TopicFrom } from "./topic.ts";
import type { TopicUse } from "./topic-use.ts";

/** The topics that are in use here. */
export class Topics {
  readonly #owner: SubscriptionOwner;
  readonly #subscriptions = new Map<string, Subscription>();
  /** Why the client is closed. */
  #error: Error | undefined;

  constructor(owner: SubscriptionOwner) {
    this.#owner = owner;
  }

  /** @throws TypeError for what is nowhere to begin */
  use(name: string, from: TopicFrom | undefined): TopicUse {
    const need = toNeed(from);
    let subscription = this.#subscriptions.get(name);
    if (!subscription) {
      subscription = new Subscription(name, this.#owner, () => this.#subscriptions.delete(name));
      this.#subscriptions.set(name, subscription);
    }
    const use = subscription.use(need);
    if (this.#error) use.end({ error: this.#error });
    return use;
  }

  /** What to subscribe to on a new connection. */
  ask(): Asked[] {
    return this.#all.map((subscription) => [subscription.name, subscription.ask()]);
  }

  /** The service has said hello: subscribes to what has come since that of the client. */
  opened(): void {
    for (const subscription of this.#all) subscription.changed();
  }

  /** The connection has ended. */
  lost(): void {
    for (const subscription of this.#all) subscription.lost();
  }

  /** Undefined if the topic is not in use any more. */
  get(name: string): Subscription | undefined {
    return this.#subscriptions.get(name);
  }

  /** The client is closed: ends all loops with the error, and those to come. */
  end(error: Error): void {
    this.#error = error;
    for (const subscription of this.#all) subscription.end(error);
  }

  get #all(): Subscription[] {
    return [...this.#subscriptions.values()];
  }
}
