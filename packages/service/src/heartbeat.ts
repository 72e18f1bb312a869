import type { Peer } from "@spry-ws/core";

/** Into how many parts an interval is divided. In each, some of the peers get their heartbeat: all at once would be a burst of writes. */
const portions = 20;

/**
 * Sends every peer a heartbeat, at least once in an interval. One timer serves all peers. It runs as long as there are any, and never
 * keeps the process alive.
 */
export class ServiceHeartbeat {
  readonly #peers: ReadonlyMap<Peer, unknown>;
  readonly #intervalMs: number;
  #round: Iterator<Peer> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(peers: ReadonlyMap<Peer, unknown>, intervalMs: number) {
    this.#peers = peers;
    this.#intervalMs = intervalMs;
  }

  start(): void {
    this.#timer ??= setInterval(
      () => this.#beat(),
      Math.max(1, Math.floor(this.#intervalMs / portions)),
    ).unref();
  }

  #beat(): void {
    if (this.#peers.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    // Enough peers for a round to be over somewhat before the interval is, as peers may join meanwhile.
    for (let left = Math.ceil(this.#peers.size / (portions - 2)); left > 0; left--) {
      this.#round ??= this.#peers.keys();
      const { done, value } = this.#round.next();
      if (done) {
        this.#round = undefined;
        return;
      }
      value.send("[]");
    }
  }
}
