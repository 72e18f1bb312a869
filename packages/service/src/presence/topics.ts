import { contractError, type TopicMatch } from "@spry-ws/contract/wire";
import { type Peer, ReadyState, type SpryWs } from "@spry-ws/core";
import type { ExtraMetric, SharedMessage } from "@spry-ws/core/adapter";
import type { Definitions, Handlers } from "../handlers.ts";
import { Audience } from "./audience.ts";
import { LeavingPeers } from "./leaving-peers.ts";
import { Looking } from "./looking.ts";
import { Presence } from "./presence.ts";
import type { PresenceMember, PresenceView } from "./view.ts";

/** What brings to other processes who is there. */
export type PresentTopicsCarrier = Pick<SpryWs, "publish"> & Partial<Pick<SpryWs, "subscribe" | "ready">>;

export interface PresentTopicsOwner {
  readonly definitions: Definitions;
  readonly handlers: Handlers;
  readonly limits: {
    readonly maxMembers: number;
    readonly maxMemberBytes: number;
    readonly maxIdleTopics: number;
    readonly maxReadBytesPerSecond: number;
  };
  /** Takes the errors of listeners. */
  reportError(error: unknown, stage: "listener"): void;
}

/** Who is present in the topics of one service, in all processes; and who of this one wants to know. */
export class PresentTopics {
  readonly #owner: PresentTopicsOwner;
  readonly #presence: Presence;
  readonly #audiences = new Map<string, Audience>();
  readonly #leaving = new LeavingPeers(() => this.#presence.end());

  /** @throws TypeError `SPRY_WS_CONTRACT` for a carrier that cannot listen to others */
  constructor(carrier: PresentTopicsCarrier, owner: PresentTopicsOwner) {
    assertListens(carrier);
    this.#owner = owner;
    const { definitions, handlers, limits } = owner;
    this.#presence = new Presence({
      carrier,
      channelOf: (topic) => `spry.v1.presence:${topic}`,
      optionsOf: (topic) => ({
        graceMs: handlers.topics[definitions.patterns.match(topic)?.pattern ?? ""]?.graceMs ?? defaultGraceMs,
        maxDataBytes: limits.maxMemberBytes,
      }),
      report: (error) => owner.reportError(error, "listener"),
      maxIdle: limits.maxIdleTopics,
    });
  }

  /** Asks the user's `presence` who a peer is in a topic; undefined for nobody. Rejects with the user's errors. */
  async memberOf(peer: Peer, { pattern, params }: TopicMatch): Promise<PresenceMember | undefined> {
    const member = await this.#owner.handlers.topics[pattern]?.presence?.(peer, params);
    if (member === undefined || member === null) return undefined;
    // What is no member has no data to check: `join` says what it must be.
    if (typeof member === "object")
      this.#owner.definitions.checkMember(pattern, (member as PresenceMember).data);
    return member as PresenceMember;
  }

  /** @throws TypeError `SPRY_WS_DATA` for what is no member */
  join(topic: string, peer: Peer, member: PresenceMember): void {
    this.#presence.join(topic, peer, member);
  }

  /** @param isGone it may come back: the member stays for the grace */
  leave(topic: string, peer: Peer, isGone: boolean): void {
    this.#presence.leave(topic, peer, isGone);
  }

  /** @returns whether the peer is a member */
  update(topic: string, peer: Peer, data: unknown): boolean {
    return this.#presence.update(topic, peer, data);
  }

  view(topic: string): PresenceView {
    return this.#presence.view(topic);
  }

  metrics(): readonly ExtraMetric[] {
    return this.#presence.metrics();
  }

  looking(peer: Peer): Looking {
    const lookingPeer = {
      get isOpen() {
        return peer.readyState === ReadyState.open;
      },
      offer: (message: SharedMessage) => message.offerTo(peer),
      drained: () => peer.drained(),
    };
    return new Looking(lookingPeer, this.#owner.limits.maxReadBytesPerSecond, (topic) =>
      this.#audience(topic),
    );
  }

  opened(peer: Peer): void {
    this.#leaving.add(peer);
  }

  closed(peer: Peer): void {
    this.#leaving.delete(peer);
  }

  /**
   * A peer is about to be closed, as its instance or server ends. When that is so of all peers, the others are told that their members have
   * the grace to come back elsewhere.
   */
  leaves(peer: Peer): void {
    this.#leaving.leaves(peer);
  }

  /** The instance rests, or is closed for good. */
  rest(isForGood: boolean): void {
    this.#presence.rest(isForGood);
  }

  #audience(topic: string): Audience {
    let audience = this.#audiences.get(topic);
    if (!audience) {
      const { maxMembers } = this.#owner.limits;
      audience = new Audience(topic, this.view(topic), maxMembers, () => this.#audiences.delete(topic));
      this.#audiences.set(topic, audience);
    }
    return audience;
  }
}

const defaultGraceMs = 10_000;

function assertListens(
  carrier: PresentTopicsCarrier,
): asserts carrier is PresentTopicsCarrier & Pick<SpryWs, "subscribe"> {
  if (typeof carrier.subscribe !== "function")
    throw contractError(
      'createService(spry, contract, implementation): for a topic with "presence" it takes what spryWs() gives (in Fastify app.spryWs) first; it must have a method "subscribe"',
    );
}
