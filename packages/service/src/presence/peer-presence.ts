import { type Peer, ReadyState, type SpryWs } from "@spry-ws/core";
import { addSpeaker, createError, describe, type SpeakerReport } from "@spry-ws/core/adapter";
import { LeavingPeers } from "./leaving-peers.ts";
import { Presence } from "./presence.ts";
import { type ResolvedPresenceOptions, resolvePresenceOptions } from "./presence-options.ts";
import type { PresenceListener, PresenceOptions, PresenceView } from "./view.ts";

/** Options of `presence`. */
export interface PeerPresenceOptions extends PresenceOptions {
  /** The instance: what `spryWs()` gives, in Fastify `app.spryWs`. Its backplane joins the processes. */
  readonly spry: Pick<SpryWs, "publish" | "subscribe" | "ready">;
  /** Which presence: those of the same topic are one, in all processes. Peers need not be subscribed to it, and get nothing by it. */
  readonly topic: string;
}

/** Who is present of the peers of plain hooks, in all processes. */
export interface PeerPresence<Data = unknown> extends PresenceView<Data> {
  /**
   * A peer is from here on a connection of a member. Once more, it has other data, or is another member's.
   *
   * @param key tells members apart, like the id of a user: peers with the same key are one member
   * @param data what the others see of it
   * @throws TypeError `SPRY_WS_DATA` for what is no peer, a key that is none, or data that is too much or cannot be written as JSON
   */
  join(peer: Peer, key: string, data: Data): void;
  /**
   * A peer leaves at once. Call it in the `close` hook if each end of a connection is a leave; without it, a member whose connection has
   * ended stays for `graceMs`, and may come back. Nothing happens if the peer is not present.
   */
  leave(peer: Peer): void;
}

/** How often it is looked which peers have closed, in milliseconds. */
const lookMs = 500;

/**
 * Who is present, for plain hooks: the same in all processes that share a backplane. Services have it by their contract.
 *
 * A peer that closes needs no call: within half a second it counts as gone, and leaves for the others when `graceMs` is over. A process
 * that is killed is gone within 15 seconds.
 *
 * @throws TypeError `SPRY_WS_OPTION` for an instance that is none, a topic that is no string, or an option that is unknown or out of range
 * @example
 * const lobby = presence<{ name: string }>({ spry, topic: "lobby" });
 * lobby.listen(() => spry.publish("lobby", Message.json({ present: [...lobby.members.values()] })));
 * app.ws("/lobby", { open: (peer) => lobby.join(peer, userOf(peer).id, { name: userOf(peer).name }) });
 */
export function presence<Data = unknown>(options: PeerPresenceOptions): PeerPresence<Data> {
  const { spry, topic, ...others } = Object(options) as PeerPresenceOptions;
  assertCarrier(spry);
  if (typeof topic !== "string")
    throw createError(
      "SPRY_WS_OPTION",
      `presence(options): "topic" must be a string, not ${describe(topic)}`,
    );
  return new PresentPeers<Data>(spry, topic, resolvePresenceOptions(others, "presence(options)"));
}

class PresentPeers<Data> implements PeerPresence<Data> {
  readonly #topic: string;
  readonly #presence: Presence;
  readonly #view: PresenceView;
  readonly #peers = new Set<Peer>();
  readonly #leaving: LeavingPeers;
  #timer: NodeJS.Timeout | undefined;

  constructor(spry: PeerPresenceOptions["spry"], topic: string, options: ResolvedPresenceOptions) {
    let report: SpeakerReport = (error) => console.error(error);
    this.#topic = topic;
    this.#presence = new Presence({
      carrier: spry,
      channelOf: (topic) => `spry.presence:${topic}`,
      optionsOf: () => options,
      report: (error) => report(error, "listener"),
      maxIdle: 1,
    });
    this.#view = this.#presence.view(topic);
    this.#leaving = new LeavingPeers(() => this.#presence.end());
    const leaving = (peer: Peer) => this.#leaving.leaves(peer);
    const rest = async (_deadlineMs: number, isForGood: boolean) => this.#presence.rest(isForGood);
    const metrics = () => this.#presence.metrics();
    report = addSpeaker(spry, { subprotocol: "", leaving, rest, metrics }) ?? report;
  }

  get members(): ReadonlyMap<string, Data> {
    return this.#view.members as ReadonlyMap<string, Data>;
  }

  get count(): number {
    return this.#view.count;
  }

  listen(listener: PresenceListener<Data>): () => void {
    return this.#view.listen(listener as PresenceListener);
  }

  ready(): Promise<void> {
    return this.#view.ready();
  }

  join(peer: Peer, key: string, data: Data): void {
    assertPeer(peer);
    if (peer.readyState !== ReadyState.open) return;
    this.#presence.join(this.#topic, peer, { key, data });
    this.#peers.add(peer);
    this.#leaving.add(peer);
    this.#timer ??= setInterval(() => this.#look(), lookMs).unref();
  }

  leave(peer: Peer): void {
    this.#remove(peer, false);
  }

  #look(): void {
    for (const peer of this.#peers) if (peer.readyState === ReadyState.closed) this.#remove(peer, true);
    if (this.#peers.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #remove(peer: Peer, isGone: boolean): void {
    this.#peers.delete(peer);
    this.#leaving.delete(peer);
    this.#presence.leave(this.#topic, peer, isGone);
  }
}

function assertPeer(peer: unknown): void {
  if (typeof (Object(peer) as Partial<Peer>).readyState === "number") return;
  throw createError(
    "SPRY_WS_DATA",
    `join(peer, key, data) takes the peer of a hook first, not ${describe(peer)}`,
  );
}

function assertCarrier(spry: unknown): void {
  const { publish, subscribe } = Object(spry) as Partial<SpryWs>;
  if (typeof publish === "function" && typeof subscribe === "function") return;
  throw createError(
    "SPRY_WS_OPTION",
    'presence({ spry, topic }): "spry" must be what spryWs() gives (in Fastify app.spryWs), with the methods "publish" and "subscribe"',
  );
}
