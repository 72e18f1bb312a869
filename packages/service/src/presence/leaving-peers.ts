import type { Peer } from "@spry-ws/core";

/**
 * Sees when all peers leave that are here, because their instance or its server ends: then the process says so to the others. Where only
 * some leave, as of one server of several, nothing ends.
 */
export class LeavingPeers {
  /** Those that were not told to leave. */
  readonly #staying = new Set<Peer>();
  readonly #allLeave: () => void;
  #isChecking = false;

  /** @param allLeave called when none stays, behind the turn of the event loop in which the last was told to leave */
  constructor(allLeave: () => void) {
    this.#allLeave = allLeave;
  }

  add(peer: Peer): void {
    this.#staying.add(peer);
  }

  /** The peer's connection has ended, or it is not here any more. */
  delete(peer: Peer): void {
    this.#staying.delete(peer);
  }

  /** The peer's close frame follows. */
  leaves(peer: Peer): void {
    if (!this.#staying.delete(peer) || this.#isChecking) return;
    this.#isChecking = true;
    // The other peers of the instance are told in this turn, too.
    setImmediate(() => {
      this.#isChecking = false;
      if (this.#staying.size === 0) this.#allLeave();
    });
  }
}
