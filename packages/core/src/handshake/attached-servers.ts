import type { Server } from "node:http";
import { AttachedServer } from "./attached-server.ts";
import type { HandshakeOwner } from "./handshake.ts";

/** The servers that an instance is attached to. They can be garbage collected all the same: tests make one after the other. */
export class AttachedServers {
  readonly #instance: HandshakeOwner;
  readonly #references = new Set<WeakRef<AttachedServer>>();

  constructor(instance: HandshakeOwner) {
    this.#instance = instance;
  }

  /** @throws TypeError `SPRY_WS_SERVER` for what is not a server */
  add(server: Server): void {
    const attached = AttachedServer.of(server);
    if (attached.instances.has(this.#instance)) return;
    attached.add(this.#instance);
    this.#references.add(new WeakRef(attached));
  }

  /** Detaches from all of them, which leaves them as they were before. */
  leave(): void {
    for (const attached of this.#living()) attached.remove(this.#instance);
    this.#references.clear();
  }

  /** Whether any of them takes connections. */
  get isAnyListening(): boolean {
    for (const { server } of this.#living()) if (server.listening) return true;
    return false;
  }

  /** Whether other instances of a server take handshakes. */
  hasSiblings(server: Server): boolean {
    const { instances } = AttachedServer.of(server);
    return [...instances].some((other) => other !== this.#instance && !other.isClosing(server));
  }

  *#living(): Generator<AttachedServer> {
    for (const reference of this.#references) {
      const attached = reference.deref();
      if (attached) yield attached;
      else this.#references.delete(reference);
    }
  }
}
