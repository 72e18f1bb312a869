import type { Server } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { StandbyRelay } from "./backplane/standby-relay.ts";
import { type CloseOptions, closeConnections } from "./connection/close-all.ts";
import type { Connection } from "./connection/connection.ts";
import type { Settling } from "./connection/settling.ts";
import { answerInstead } from "./handshake/answer.ts";
import type { AttachedServers } from "./handshake/attached-servers.ts";
import type { Handshake } from "./handshake/handshake.ts";
import { shuttingDown } from "./handshake/validate.ts";
import { atMost, Deadline } from "./timers.ts";

/** What is shut down. */
export interface ShutdownOwner {
  readonly options: { readonly shutdown: Required<CloseOptions> };
  readonly connections: ReadonlySet<Connection>;
  /** Those that have ended, but whose hooks have not all settled. */
  readonly settling: Settling;
  readonly handshakes: ReadonlySet<Handshake>;
  readonly servers: AttachedServers;
  readonly relay: StandbyRelay | undefined;
}

/** Which of the connections and handshakes. */
type Choice = (of: Connection | Handshake) => boolean;

/**
 * The end of an instance, or of its part in one server: handshakes are refused; the peers are closed, each when its hooks have
 * dealt with what it has sent; their `close` hooks settle; and the backplane gets what all of them have published.
 */
export class Shutdown {
  readonly #owner: ShutdownOwner;
  readonly #servers = new WeakMap<Server, Promise<void>>();
  readonly #reopeners = new WeakMap<Server, () => void>();
  /** Aborted when the instance is closed: then it decides how the peers of closing servers end that have not been told yet. */
  readonly #superseded = new AbortController();
  #closing: Promise<void> | undefined;

  constructor(owner: ShutdownOwner) {
    this.#owner = owner;
  }

  /** Whether the instance itself has been closed. */
  get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  /** Whether handshakes are refused, on all servers or on this one. */
  isClosing(server: Server): boolean {
    return this.#closing !== undefined || this.#servers.has(server);
  }

  /** A second call waits for the first. Never rejects. */
  close(options: Required<CloseOptions>): Promise<void> {
    this.#closing ??= this.#close(options);
    return this.#closing;
  }

  /**
   * A server has been told to close, and waits for its connections.
   *
   * @returns settles when its peers are gone and their hooks settled; undefined where there is nothing to wait for. Never rejects
   */
  closeServer(server: Server): Promise<void> | undefined {
    if (this.#closing) return this.#closing;
    let closing = this.#servers.get(server);
    if (closing) return closing;
    const { connections, settling, relay } = this.#owner;
    // Should it listen again meanwhile, the peers that come then are none of those to be closed.
    let before: ReadonlySet<unknown> | undefined;
    const isOfServer: Choice = (of) => of.server === server && (before?.has(of) ?? true);
    this.#refuseHandshakes(isOfServer);
    closing = this.#closeServer(isOfServer);
    this.#servers.set(server, closing);
    this.#reopeners.set(server, () => {
      this.#servers.delete(server);
      before = new Set(connections);
    });
    return relay || this.#connectionsOf(isOfServer).length > 0 || settling.has(isOfServer)
      ? closing
      : undefined;
  }

  /** A server that was closed listens again. */
  reopenServer(server: Server): void {
    this.#reopeners.get(server)?.();
  }

  async #close(options: Required<CloseOptions>): Promise<void> {
    this.#superseded.abort();
    const deadline = new Deadline(options.deadlineMs);
    // A handshake that has not come to a route yet may be on its way to another instance.
    const mayGoOn: Choice = (of) =>
      "isRouted" in of && !of.isRouted && this.#owner.servers.hasSiblings(of.server);
    await this.#end((of) => !mayGoOn(of), options, deadline);
    await this.#owner.relay?.close(deadline.leftMs);
    this.#owner.servers.leave();
  }

  async #closeServer(isOfServer: Choice): Promise<void> {
    // `server.close()` is often followed by `spry.close(options)`, which says more exactly how.
    await nextTurn();
    const { options, relay } = this.#owner;
    const deadline = new Deadline(options.shutdown.deadlineMs);
    if (!this.#closing) await this.#end(isOfServer, options.shutdown, deadline, this.#superseded.signal);
    if (!this.#closing) await relay?.rest(deadline.leftMs, () => this.#isUnused);
    await this.#closing;
  }

  async #end(
    isMeant: Choice,
    options: Required<CloseOptions>,
    deadline: Deadline,
    superseded?: AbortSignal,
  ): Promise<void> {
    this.#refuseHandshakes(isMeant);
    await closeConnections(() => this.#connectionsOf(isMeant), options, superseded);
    await atMost(deadline.leftMs, this.#owner.settling.settled(isMeant));
  }

  get #isUnused(): boolean {
    const { connections, handshakes, servers } = this.#owner;
    return connections.size === 0 && handshakes.size === 0 && !servers.isAnyListening;
  }

  #connectionsOf(isMeant: Choice): Connection[] {
    return [...this.#owner.connections].filter(isMeant);
  }

  #refuseHandshakes(isMeant: Choice): void {
    for (const handshake of [...this.#owner.handshakes].filter(isMeant))
      answerInstead(handshake, "closing", shuttingDown);
  }
}
