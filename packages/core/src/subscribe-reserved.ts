import { Peer, ReadyState } from "./peer.ts";

/** Subscribes a peer to a topic of a service, which `peer.subscribe` refuses. */
export function subscribeReserved(peer: Peer, topic: string): void {
  if (peer.readyState === ReadyState.open) Peer.link(peer)?.subscribe(topic);
}
