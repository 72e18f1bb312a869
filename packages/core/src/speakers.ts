import type { Peer } from "./peer.ts";

/** Hooks that speak a subprotocol of their own with clients, as a service does: its instance tells refusals and its end in it. */
export interface Speaker {
  /** What its clients offer. */
  readonly subprotocol: string;
  /** The instance or its server ends, and the peer's close frame follows what is sent to it now. Called for every open peer. */
  leaving(peer: Peer): void;
}

/** What has speakers: an instance, and the middleware that it is too. */
export interface Speaking {
  readonly speakers: Set<Speaker>;
}

/**
 * From here on the instance shows its refusals to clients that offer the speaker's subprotocol, and tells the speaker when a peer is
 * about to be closed because it ends.
 *
 * @param spry an instance; with anything else, as what `createPublisher` makes, nothing happens
 */
export function addSpeaker(spry: object, speaker: Speaker): void {
  const { speakers } = spry as Partial<Speaking>;
  if (speakers instanceof Set) speakers.add(speaker);
}
