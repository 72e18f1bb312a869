import type { Peer } from "@spry-ws/core";

/**
 * Sees when all peers leave that are present here, because their instance or its server ends: then the process says so to the others.
 * Where only some leave, as of one server of several, nothing ends.
 */
export class LeavingPeers {
  readonly #staying = new Set<Peer>();
  readonly #leaving = new Set<Peer>();
  readonly #allLeave: () => void;

  /** @param allLeave called when none stays, some turns of the event loop after the last was told to leave */
  constructor(allLeave: () => void) {
    this.#allLeave = allLeave;
  }

  add(peer: Peer): void {
    this.#staying.add(peer);
  }

  /** The peer's connection has ended, or it is present nowhere any more. */
  delete(peer: Peer): void {
    this.#staying.delete(peer);
    this.#leaving.delete(peer);
  }

  /** The peer's close frame follows. */
  leaves(peer: Peer): void {
    if (!this.#staying.delete(peer)) return;
    this.#leaving.add(peer);
    // The other peers of the instance are told in this turn, too.
    if (this.#staying.size === 0) setImmediate(() => this.#check());
  }

  #check(): void {
    if (this.#staying.size > 0 || this.#leaving.size === 0) return;
    this.#leaving.clear();
    this.#allLeave();
  }
}
