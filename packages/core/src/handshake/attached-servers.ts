import type { Server } from "node:http";

/** The servers an instance is attached to. It keeps none of them from being forgotten: tests make one after the other. */
export class AttachedServers {
  readonly #known = new WeakSet<Server>();
  readonly #references = new Set<WeakRef<Server>>();

  has(server: Server): boolean {
    return this.#known.has(server);
  }

  add(server: Server): void {
    this.#known.add(server);
    this.#references.add(new WeakRef(server));
  }

  /** Whether any of them takes connections. */
  get isAnyListening(): boolean {
    for (const reference of this.#references) {
      const server = reference.deref();
      if (server?.listening) return true;
      if (!server) this.#references.delete(reference);
    }
    return false;
  }
}
