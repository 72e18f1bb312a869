import { encodeFrame, type Position, type SubscriptionState, type TopicMatch } from "@spry-ws/contract/wire";
import type { Peer } from "@spry-ws/core";
import { subscribeReserved } from "@spry-ws/core/adapter";
import type { DurableTopics } from "./history/durable-topics.ts";
import { Following, type FollowingOwner } from "./history/following.ts";
import type { Looking } from "./presence/looking.ts";
import type { PresentTopics } from "./presence/topics.ts";
import type { PresenceMember } from "./presence/view.ts";

/** The topic of core that carries the messages of a service's topic. No peer of plain hooks can name it: core keeps this prefix. */
export function coreTopic(topic: string): string {
  return `spry.v1:${topic}`;
}

export interface SubscriptionsOwner extends FollowingOwner {
  readonly limits: { readonly maxSubscriptions: number; readonly maxReadBytesPerSecond: number };
  /** Undefined where the contract has none. */
  readonly durable: DurableTopics | undefined;
  /** Undefined where no topic of the contract has members. */
  readonly present: PresentTopics | undefined;
}

/** Who may subscribe, and as whom. */
interface Allowed {
  readonly member: PresenceMember | undefined;
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
  /** Whether the last decision has allowed it. */
  isOn: boolean;
  /** Whether the client wants to know who is there. */
  isLooking: boolean;
}

/** The topics that one connection has asked for. */
export class Subscriptions {
  readonly #owner: SubscriptionsOwner;
  readonly #peer: Peer;
  /** A topic that was left stays here while the decision about it is awaited: so `maxSubscriptions` bounds these calls too. */
  readonly #topics = new Map<string, Wanted>();
  /** Made with the first durable topic. */
  #following: Following | undefined;
  /** Made with the first topic in which the client wants to know who is there. */
  #looking: Looking | undefined;

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
    const wanted = known ?? {
      isAsking: false,
      isAskedAgain: false,
      isWanted: true,
      position,
      isOn: false,
      isLooking: false,
    };
    this.#topics.set(topic, wanted);
    wanted.isWanted = true;
    wanted.position = position;
    wanted.isAskedAgain = wanted.isAsking;
    if (!wanted.isAsking) this.#ask(topic, wanted, match);
  }

  /** @param pauses the client will subscribe again: it may stay a member for the grace */
  unsubscribe(topic: string, pauses: boolean): void {
    const wanted = this.#topics.get(topic);
    if (!wanted) return;
    wanted.isWanted = wanted.isOn = wanted.isLooking = false;
    if (!wanted.isAsking) this.#topics.delete(topic);
    this.#following?.leave(topic);
    this.#looking?.stop(topic);
    this.#owner.present?.leave(topic, this.#peer, pauses);
    this.#peer.unsubscribe(coreTopic(topic));
  }

  /** The client wants to know who is there, as long as it is subscribed; or no more. */
  look(topic: string, isLooking: boolean): void {
    const wanted = this.#topics.get(topic);
    if (!wanted?.isWanted) return;
    wanted.isLooking = isLooking;
    if (wanted.isOn) this.#look(topic, isLooking);
  }

  /** The connection has ended. */
  end(mayComeBack: boolean): void {
    for (const topic of this.#topics.keys()) this.#owner.present?.leave(topic, this.#peer, mayComeBack);
    this.#topics.clear();
    this.#following?.end();
    this.#looking?.end();
  }

  #ask(topic: string, wanted: Wanted, match: TopicMatch): void {
    wanted.isAsking = true;
    void this.#decide(match).then((allowed) => {
      wanted.isAsking = false;
      if (this.#topics.get(topic) !== wanted) return;
      const isAskedAgain = wanted.isAskedAgain && wanted.isWanted;
      wanted.isAskedAgain = false;
      if (isAskedAgain) this.#ask(topic, wanted, match);
      else if (!wanted.isWanted) this.#topics.delete(topic);
      else if (allowed && this.#join(topic, allowed)) this.#begin(topic, wanted, match);
      else this.#refuse(topic);
    });
  }

  #begin(topic: string, wanted: Wanted, match: TopicMatch): void {
    const { durable, definitions } = this.#owner;
    const { history, presence } = definitions.topic(match.pattern);
    wanted.isOn = presence !== undefined;
    if (durable && history) {
      this.#following ??= new Following(this.#owner, durable, this.#peer);
      // Where the client has subscribed once more meanwhile, the answer to that counts.
      this.#following.follow(topic, match, wanted.position, () => wanted.isAsking || this.#refuse(topic));
    } else {
      this.#tell(topic, "live");
      subscribeReserved(this.#peer, coreTopic(topic));
    }
    if (wanted.isOn) this.#look(topic, wanted.isLooking);
  }

  #look(topic: string, isLooking: boolean): void {
    if (isLooking) {
      this.#looking ??= this.#owner.present?.looking(this.#peer);
      this.#looking?.look(topic);
    } else this.#looking?.stop(topic);
  }

  #refuse(topic: string): void {
    this.unsubscribe(topic, false);
    this.#tell(topic, "refused");
  }

  /** @returns false if the user's `presence` has given what is no member, which is reported */
  #join(topic: string, { member }: Allowed): boolean {
    const { present, report } = this.#owner;
    try {
      if (member) present?.join(topic, this.#peer, member);
      else present?.leave(topic, this.#peer, false);
      return true;
    } catch (error) {
      report(this.#peer, error);
      return false;
    }
  }

  /** Never rejects: an error is reported, and the subscription is refused. */
  async #decide(match: TopicMatch): Promise<Allowed | undefined> {
    const { handlers, present, report } = this.#owner;
    const subscribe = handlers.topics[match.pattern]?.subscribe;
    try {
      const isAllowed =
        typeof subscribe === "function" ? await subscribe(this.#peer, match.params) : subscribe;
      if (isAllowed !== true) return undefined;
      const asksMember = handlers.topics[match.pattern]?.presence;
      return { member: asksMember && (await present?.memberOf(this.#peer, match)) };
    } catch (error) {
      report(this.#peer, error);
      return undefined;
    }
  }

  #tell(topic: string, state: SubscriptionState): void {
    this.#peer.send(encodeFrame(["s", topic, state]));
  }
}
