import type { Peer } from "../peer.ts";
import type { CloseOptions } from "../spry-ws.ts";

/** Closes every peer and terminates, at the deadline, those that have not answered. */
export async function closePeers(
  peers: ReadonlySet<Peer>,
  { code = 1001, reason = "", deadlineMs = 10_000 }: CloseOptions,
): Promise<void> {
  const timer = setTimeout(() => {
    for (const peer of peers) peer.terminate();
  }, deadlineMs);
  // A peer whose handshake was complete already may open meanwhile.
  while (peers.size > 0) await Promise.all([...peers].map((peer) => peer.close(code, reason)));
  clearTimeout(timer);
}
