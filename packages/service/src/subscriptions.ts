import { encodeFrame, type SubscriptionState } from "@spry-ws/contract/wire";
import type { Peer } from "@spry-ws/core";
import type { Definitions, Handlers } from "./handlers.ts";

/** The topics of core that carry what is published, apart from those of raw routes. */
export function coreTopic(topic: string): string {
  return `spry.v1:${topic}`;
}

export interface SubscriptionsOwner {
  readonly definitions: Definitions;
  readonly handlers: Handlers;
  readonly limits: { readonly maxSubscriptions: number };
  report(peer: Peer, error: unknown): void;
}

/** The topics of one connection: asked for, and subscribed to. */
export class Subscriptions {
  readonly #owner: SubscriptionsOwner;
  readonly #peer: Peer;
  /** The latest request for each topic. An answer of `subscribe` to an earlier one, or one that comes after `unsubscribe`, is ignored. */
  readonly #wanted = new Map<string, object>();

  constructor(owner: SubscriptionsOwner, peer: Peer) {
    this.#owner = owner;
    this.#peer = peer;
  }

  subscribe(topic: string): void {
    const mark = {};
    const match = this.#owner.definitions.patterns.match(topic);
    const isKnown = this.#wanted.has(topic);
    if (!match || (!isKnown && this.#wanted.size >= this.#owner.limits.maxSubscriptions)) {
      this.#tell(topic, "refused");
      return;
    }
    this.#wanted.set(topic, mark);
    void this.#isAllowed(match.pattern, match.params).then((isAllowed) => {
      if (this.#wanted.get(topic) !== mark) return;
      if (isAllowed) {
        this.#tell(topic, "live");
        this.#peer.subscribe(coreTopic(topic));
      } else {
        this.unsubscribe(topic);
        this.#tell(topic, "refused");
      }
    });
  }

  unsubscribe(topic: string): void {
    if (this.#wanted.delete(topic)) this.#peer.unsubscribe(coreTopic(topic));
  }

  /** The connection has ended. */
  end(): void {
    this.#wanted.clear();
  }

  /** Never rejects: an error is reported, and refuses. */
  async #isAllowed(pattern: string, params: Readonly<Record<string, string>>): Promise<boolean> {
    const subscribe = this.#owner.handlers.topics[pattern]?.subscribe;
    if (typeof subscribe !== "function") return subscribe === true;
    try {
      return (await subscribe(this.#peer, params)) === true;
    } catch (error) {
      this.#owner.report(this.#peer, error);
      return false;
    }
  }

  #tell(topic: string, state: SubscriptionState): void {
    this.#peer.send(encodeFrame(["s", topic, state]));
  }
}
