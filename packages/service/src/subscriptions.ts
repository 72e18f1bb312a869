import { encodeFrame, type SubscriptionState, type TopicMatch } from "@spry-ws/contract/wire";
import type { Peer } from "@spry-ws/core";
import type { Definitions, Handlers } from "./handlers.ts";

/** The topic of core that carries the messages of a service's topic. The prefix keeps it apart from the topics of raw routes. */
export function coreTopic(topic: string): string {
  return `spry.v1:${topic}`;
}

export interface SubscriptionsOwner {
  readonly definitions: Definitions;
  readonly handlers: Handlers;
  readonly limits: { readonly maxSubscriptions: number };
  report(peer: Peer, error: unknown): void;
}

/** One topic of a connection. */
interface Wanted {
  /** Whether the decision of the user's `subscribe` is awaited. It is called only once at a time. */
  isAsking: boolean;
  /** Whether the client has subscribed once more meanwhile: then that decision is out of date. */
  isAskedAgain: boolean;
  /** False if the client has unsubscribed meanwhile. */
  isWanted: boolean;
}

/** The topics that one connection has asked for. */
export class Subscriptions {
  readonly #owner: SubscriptionsOwner;
  readonly #peer: Peer;
  /** A topic that was left stays here while the decision about it is awaited: so `maxSubscriptions` bounds these calls too. */
  readonly #topics = new Map<string, Wanted>();

  constructor(owner: SubscriptionsOwner, peer: Peer) {
    this.#owner = owner;
    this.#peer = peer;
  }

  subscribe(topic: string): void {
    const match = this.#owner.definitions.patterns.match(topic);
    const known = this.#topics.get(topic);
    if (!match || (!known && this.#topics.size >= this.#owner.limits.maxSubscriptions)) {
      this.#tell(topic, "refused");
      return;
    }
    const wanted = known ?? { isAsking: false, isAskedAgain: false, isWanted: true };
    this.#topics.set(topic, wanted);
    wanted.isWanted = true;
    wanted.isAskedAgain = wanted.isAsking;
    if (!wanted.isAsking) this.#ask(topic, wanted, match);
  }

  unsubscribe(topic: string): void {
    const wanted = this.#topics.get(topic);
    if (!wanted) return;
    wanted.isWanted = false;
    if (!wanted.isAsking) this.#topics.delete(topic);
    this.#peer.unsubscribe(coreTopic(topic));
  }

  /** The connection has ended. */
  end(): void {
    this.#topics.clear();
  }

  #ask(topic: string, wanted: Wanted, { pattern, params }: TopicMatch): void {
    wanted.isAsking = true;
    void this.#isAllowed(pattern, params).then((isAllowed) => {
      wanted.isAsking = false;
      if (this.#topics.get(topic) !== wanted) return;
      const isAskedAgain = wanted.isAskedAgain && wanted.isWanted;
      wanted.isAskedAgain = false;
      if (isAskedAgain) this.#ask(topic, wanted, { pattern, params });
      else this.#answer(topic, wanted, isAllowed);
    });
  }

  #answer(topic: string, { isWanted }: Wanted, isAllowed: boolean): void {
    if (!isWanted) {
      this.#topics.delete(topic);
    } else if (isAllowed) {
      this.#tell(topic, "live");
      this.#peer.subscribe(coreTopic(topic));
    } else {
      this.unsubscribe(topic);
      this.#tell(topic, "refused");
    }
  }

  /** Never rejects: an error is reported, and the subscription is refused. */
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
