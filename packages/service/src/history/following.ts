import { decodePosition, type Position, type TopicMatch } from "@spry-ws/contract/wire";
import { type Peer, ReadyState } from "@spry-ws/core";
import type { SharedMessage } from "@spry-ws/core/adapter";
import type { Definitions, Handlers } from "../handlers.ts";
import { Allowance } from "./allowance.ts";
import type { DurableTopics } from "./durable-topics.ts";
import type { Feed } from "./feed.ts";
import { type Beginning, Follower, type FollowerPeer } from "./follower.ts";

export interface FollowingOwner {
  readonly definitions: Definitions;
  readonly handlers: Handlers;
  readonly limits: { readonly maxReadBytesPerSecond: number };
  report(peer: Peer, error: unknown): void;
}

interface Followed {
  readonly feed: Feed;
  readonly follower: Follower;
}

/** The durable topics that one connection follows. */
export class Following implements FollowerPeer {
  readonly allowance: Allowance;
  readonly #owner: FollowingOwner;
  readonly #topics: DurableTopics;
  readonly #peer: Peer;
  readonly #followed = new Map<string, Followed>();

  constructor(owner: FollowingOwner, topics: DurableTopics, peer: Peer) {
    this.#owner = owner;
    this.#topics = topics;
    this.#peer = peer;
    this.allowance = new Allowance(owner.limits.maxReadBytesPerSecond);
  }

  get isOpen(): boolean {
    return this.#peer.readyState === ReadyState.open;
  }

  offer(message: SharedMessage): boolean {
    return message.offerTo(this.#peer);
  }

  drained(): Promise<void> {
    return this.#peer.drained();
  }

  /** Answers a subscription that is allowed, and sends what is behind the position from then on. It takes the place of an earlier one. */
  follow(topic: string, match: TopicMatch, position: Position | undefined, refuse: () => void): void {
    this.leave(topic);
    const feed = this.#topics.use(topic);
    const { snapshot } = this.#owner.definitions.topic(match.pattern);
    const follower = new Follower({
      feed,
      peer: this,
      from: readBeginning(position),
      snapshot: snapshot && (() => this.#takeSnapshot(match)),
      refuse,
    });
    this.#followed.set(topic, { feed, follower });
    follower.start();
  }

  leave(topic: string): void {
    const followed = this.#followed.get(topic);
    if (!followed) return;
    this.#followed.delete(topic);
    followed.follower.end();
    this.#topics.release(followed.feed);
  }

  /** The connection has ended. */
  end(): void {
    for (const topic of this.#followed.keys()) this.leave(topic);
  }

  /** Never rejects: an error is reported. */
  async #takeSnapshot({ pattern, params }: TopicMatch): Promise<{ readonly data: unknown } | undefined> {
    const { definitions, handlers, report } = this.#owner;
    try {
      const data = await this.#topics.snapshots.run(async () =>
        handlers.topics[pattern]?.snapshot?.(this.#peer, params),
      );
      definitions.checkSnapshot(pattern, data);
      return { data };
    } catch (error) {
      report(this.#peer, error);
      return undefined;
    }
  }
}

/** Where a client wants to begin. It may send anything. */
function readBeginning(position: Position | undefined): Beginning {
  if (position === null || position === undefined) return "now";
  if (position === "start") return "start";
  const [, last] = /^last:([1-9]\d{0,6})$/.exec(position) ?? [];
  return last ? { last: Number(last) } : decodePosition(position);
}
