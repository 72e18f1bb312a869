import { Peer } from "../peer.ts";

/** Reports an error of code that runs for a peer outside of its hooks: to `onError`, or to the framework's logger. Never throws. */
export function reportHookError(peer: Peer, error: unknown): void {
  Peer.link(peer)?.report(error);
}
