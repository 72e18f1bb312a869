import type { Connection } from "./connection/connection.ts";
import { Peer } from "./peer.ts";

/** The peers of the open connections, as a read-only set: a view, so that a peer costs no second entry. */
export class PeerSet implements ReadonlySet<Peer> {
  readonly #connections: ReadonlySet<Connection>;

  constructor(connections: ReadonlySet<Connection>) {
    this.#connections = connections;
  }

  get size(): number {
    return this.#connections.size;
  }

  has(peer: Peer): boolean {
    return this.#connections.has(Peer.connection(peer));
  }

  *values(): SetIterator<Peer> {
    for (const { peer } of this.#connections) yield peer;
  }

  keys(): SetIterator<Peer> {
    return this.values();
  }

  *entries(): SetIterator<[Peer, Peer]> {
    for (const { peer } of this.#connections) yield [peer, peer];
  }

  [Symbol.iterator](): SetIterator<Peer> {
    return this.values();
  }

  forEach(callback: (peer: Peer, same: Peer, set: ReadonlySet<Peer>) => void, thisArg?: unknown): void {
    for (const peer of this) callback.call(thisArg, peer, peer, this);
  }
}
