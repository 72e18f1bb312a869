import type { Server } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { StandbyRelay } from "./backplane/standby-relay.ts";
import type { Connection } from "./connection/connection.ts";
import type { Connections } from "./connection/connections.ts";
import type { Handshake } from "./handshake/handshake.ts";
import type { Handshakes } from "./handshake/handshakes.ts";
import type { CloseOptions } from "./options/close-options.ts";
import type { Speakers } from "./speakers.ts";
import { atMost, Deadline } from "./timers.ts";

/** What is shut down. */
export interface ShutdownOwner {
  readonly options: { readonly shutdown: Required<CloseOptions> };
  readonly connections: Connections;
  readonly handshakes: Handshakes;
  readonly relay: StandbyRelay | undefined;
  readonly speakers: Speakers;
  readonly operations: { close(): void };
  readonly topics: { stopListening(): void };
}

/** Whether a connection or handshake is among those that are closed. */
type Choice = (of: Connection | Handshake) => boolean;

/**
 * Closes an instance, or its part in one server. Handshakes are refused. Each peer is closed as soon as its hooks have handled what it
 * has sent. Then it waits until the `close` hooks have settled, and the backplane has got what all of them have published.
 */
export class Shutdown {
  readonly #owner: ShutdownOwner;
  readonly #servers = new WeakMap<Server, Promise<void>>();
  readonly #reopeners = new WeakMap<Server, () => void>();
  /** Aborted when the instance is closed: then its options decide how those peers of closing servers are closed that have no close frame yet. */
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
   * @returns settles when its peers are gone and their hooks have settled; undefined if there is nothing to wait for. Never rejects
   */
  closeServer(server: Server): Promise<void> | undefined {
    if (this.#closing) return this.#closing;
    let closing = this.#servers.get(server);
    if (closing) return closing;
    const { connections, handshakes, relay, speakers } = this.#owner;
    // If the server listens again meanwhile, the peers that come then are not closed.
    let before: ReadonlySet<unknown> | undefined;
    const isOfServer: Choice = (of) => of.server === server && (before?.has(of) ?? true);
    handshakes.refuse(isOfServer);
    closing = this.#closeServer(isOfServer);
    this.#servers.set(server, closing);
    this.#reopeners.set(server, () => {
      this.#servers.delete(server);
      before = connections.now();
    });
    return relay || speakers.canRest || connections.has(isOfServer) ? closing : undefined;
  }

  /** A server that was closed listens again. */
  reopenServer(server: Server): void {
    this.#reopeners.get(server)?.();
  }

  async #close(options: Required<CloseOptions>): Promise<void> {
    this.#superseded.abort();
    const deadline = new Deadline(options.deadlineMs);
    // A handshake that has not reached a route yet may be for another instance of the server.
    const mayGoOn: Choice = (of) =>
      "isRouted" in of && !of.isRouted && this.#owner.handshakes.servers.hasSiblings(of.server);
    await this.#closePeers((of) => !mayGoOn(of), options, deadline);
    const { relay, speakers, operations } = this.#owner;
    operations.close();
    await Promise.all([relay?.close(deadline.leftMs), speakers.rest(deadline.leftMs, true)]);
    this.#owner.topics.stopListening();
    this.#owner.handshakes.servers.leave();
  }

  async #closeServer(isOfServer: Choice): Promise<void> {
    // `server.close()` is often followed by `spry.close(options)`, which says more exactly how.
    await nextTurn();
    const { options, relay, speakers } = this.#owner;
    const deadline = new Deadline(options.shutdown.deadlineMs);
    if (!this.#closing)
      await this.#closePeers(isOfServer, options.shutdown, deadline, this.#superseded.signal);
    if (!this.#closing) await relay?.rest(deadline.leftMs, () => this.#isUnused);
    if (!this.#closing && this.#isUnused) await speakers.rest(deadline.leftMs, false);
    await this.#closing;
  }

  /** Refuses handshakes, closes peers, and waits for their hooks. */
  async #closePeers(
    isMeant: Choice,
    options: Required<CloseOptions>,
    deadline: Deadline,
    superseded?: AbortSignal,
  ): Promise<void> {
    const { connections, handshakes } = this.#owner;
    handshakes.refuse(isMeant);
    await connections.close(isMeant, options, superseded);
    await atMost(deadline.leftMs, connections.hooksSettled(isMeant));
  }

  get #isUnused(): boolean {
    const { connections, handshakes } = this.#owner;
    return connections.size === 0 && handshakes.size === 0 && !handshakes.servers.isAnyListening;
  }
}
