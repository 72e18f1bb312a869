import { Peer, type PeerLink } from "../peer.ts";
import type { Connection } from "./connection.ts";

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
    const link = Peer.link(peer);
    return link !== undefined && (this.#connections as ReadonlySet<PeerLink>).has(link);
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

/** What a Set has from Node 22 on, and the type of a ReadonlySet with it (ECMAScript 2025). */
const setMethods = [
  "union",
  "intersection",
  "difference",
  "symmetricDifference",
  "isSubsetOf",
  "isSupersetOf",
  "isDisjointFrom",
];

for (const name of setMethods) {
  const method: unknown = Reflect.get(Set.prototype, name);
  if (typeof method !== "function") continue;
  Object.defineProperty(PeerSet.prototype, name, {
    value(this: PeerSet, other: unknown): unknown {
      return Reflect.apply(method, new Set(this), [other]);
    },
  });
}
