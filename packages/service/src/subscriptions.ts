import { encodeFrame, type Position, type SubscriptionState, type TopicMatch } from "@spry-ws/contract/wire";
import type { Peer } from "@spry-ws/core";
import type { DurableTopics } from "./history/durable-topics.ts";
import { Following, type FollowingOwner } from "./history/following.ts";

/** The topic of core that carries the messages of a service's topic. The prefix keeps it apart from the topics of raw routes. */
export function coreTopic(topic: string): string {
  return `spry.v1:${topic}`;
}

export interface SubscriptionsOwner extends FollowingOwner {
  readonly limits: { readonly maxSubscriptions: number; readonly maxReadBytesPerSecond: number };
  /** Undefined where the contract has none. */
  readonly durable: DurableTopics | undefined;
}

/** One topic of a connection. */
interface Wanted {
  /** Whether the decision of the user's `subscribe` is awaited. It is called only once at a time. */
  isAsking: boolean;
  /** Whether the client has subscribed once more meanwhile: then that decision is out of date. */
  isAskedAgain: boolean;
  /** False if the client has unsubscribed meanwhile. */
  isWanted: boolean;
  /** Where the client wants to begin, in a durable topic. */
  position: Position | undefined;
}

/** The topics that one connection has asked for. */
export class Subscriptions {
  readonly #owner: SubscriptionsOwner;
  readonly #peer: Peer;
  /** A topic that was left stays here while the decision about it is awaited: so `maxSubscriptions` bounds these calls too. */
  readonly #topics = new Map<string, Wanted>();
  /** Made with the first durable topic. */
  #following: Following | undefined;

  constructor(owner: SubscriptionsOwner, peer: Peer) {
    this.#owner = owner;
    this.#peer = peer;
  }

  /** @param position where to begin, in a durable topic; of another it is ignored */
  subscribe(topic: string, position: Position | undefined): void {
    const match = this.#owner.definitions.patterns.match(topic);
    const known = this.#topics.get(topic);
    if (!match || (!known && this.#topics.size >= this.#owner.limits.maxSubscriptions)) {
      this.#tell(topic, "refused");
      return;
    }
    const wanted = known ?? { isAsking: false, isAskedAgain: false, isWanted: true, position };
    this.#topics.set(topic, wanted);
    wanted.isWanted = true;
    wanted.position = position;
    wanted.isAskedAgain = wanted.isAsking;
    if (!wanted.isAsking) this.#ask(topic, wanted, match);
  }

  unsubscribe(topic: string): void {
    const wanted = this.#topics.get(topic);
    if (!wanted) return;
    wanted.isWanted = false;
    if (!wanted.isAsking) this.#topics.delete(topic);
    this.#following?.leave(topic);
    this.#peer.unsubscribe(coreTopic(topic));
  }

  /** The connection has ended. */
  end(): void {
    this.#topics.clear();
    this.#following?.end();
  }

  #ask(topic: string, wanted: Wanted, match: TopicMatch): void {
    wanted.isAsking = true;
    void this.#isAllowed(match.pattern, match.params).then((isAllowed) => {
      wanted.isAsking = false;
      if (this.#topics.get(topic) !== wanted) return;
      const isAskedAgain = wanted.isAskedAgain && wanted.isWanted;
      wanted.isAskedAgain = false;
      if (isAskedAgain) this.#ask(topic, wanted, match);
      else if (!wanted.isWanted) this.#topics.delete(topic);
      else if (isAllowed) this.#begin(topic, wanted, match);
      else this.#refuse(topic);
    });
  }

  #begin(topic: string, wanted: Wanted, match: TopicMatch): void {
    const { durable, definitions } = this.#owner;
    if (durable && definitions.topic(match.pattern).history) {
      this.#following ??= new Following(this.#owner, durable, this.#peer);
      // Where the client has subscribed once more meanwhile, the answer to that counts.
      this.#following.follow(topic, match, wanted.position, () => wanted.isAsking || this.#refuse(topic));
      return;
    }
    this.#tell(topic, "live");
    this.#peer.subscribe(coreTopic(topic));
  }

  #refuse(topic: string): void {
    this.unsubscribe(topic);
    this.#tell(topic, "refused");
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
