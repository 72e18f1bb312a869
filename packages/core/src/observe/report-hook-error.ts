import { Event } from "../event.ts";
import { Peer } from "../peer.ts";

/** Reports an error of code that runs for a peer outside of its hooks: to `onError`, or to the framework's logger. Never throws. */
export function reportHookError(peer: Peer, error: unknown): void {
  const { log } = Event.state(peer, "reportHookError(peer, error)");
  Peer.connection(peer)?.instance.report(error, { stage: "hook" }, log);
}
