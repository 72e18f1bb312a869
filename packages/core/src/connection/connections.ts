import type { CloseOptions } from "../options/close-options.ts";
import type { HeartbeatOptions } from "../options/options.ts";
import type { Peer } from "../peer.ts";
import type { Speaker } from "../speakers.ts";
import { closeConnections, type Farewell } from "./close-all.ts";
import { CloseTimeouts } from "./close-timeouts.ts";
import type { Connection } from "./connection.ts";
import { Heartbeat } from "./heartbeat.ts";
import { PeerSet } from "./peer-set.ts";
import { Settling } from "./settling.ts";

/** The connections of an instance: the open ones, and those that have ended but have hooks that run or wait. */
export class Connections {
  readonly #open = new Set<Connection>();
  readonly #settling = new Settling();
  readonly #heartbeat: Heartbeat | undefined;
  readonly #closeTimeouts: CloseTimeouts | undefined;
  readonly #speakers: ReadonlySet<Speaker>;
  /** The peers of the open ones. */
  readonly peers: ReadonlySet<Peer> = new PeerSet(this.#open);

  /**
   * @param closeTimeoutMs 0: no bound
   * @param speakers are told of peers that leave because the instance or its server ends
   */
  constructor(
    heartbeat: false | Required<HeartbeatOptions>,
    closeTimeoutMs: number,
    speakers: ReadonlySet<Speaker>,
  ) {
    this.#speakers = speakers;
    this.#heartbeat = heartbeat ? new Heartbeat(this.#open, heartbeat) : undefined;
    this.#closeTimeouts = closeTimeoutMs > 0 ? new CloseTimeouts(this.#open, closeTimeoutMs) : undefined;
  }

  /** How many are open. */
  get size(): number {
    return this.#open.size;
  }

  /** What waits to be sent, over all of them. */
  get bufferedBytes(): number {
    let bytes = 0;
    for (const { waitingBytes } of this.#open) bytes += waitingBytes;
    return bytes;
  }

  opened(connection: Connection): void {
    this.#open.add(connection);
    this.#heartbeat?.start();
    this.#closeTimeouts?.start();
  }

  ended(connection: Connection): void {
    this.#open.delete(connection);
    this.#settling.add(connection);
  }

  settled(connection: Connection): void {
    this.#settling.delete(connection);
  }

  /** Whether any connection that is meant is open, or has hooks that run or wait. */
  has(isMeant: (connection: Connection) => boolean): boolean {
    return this.#openOf(isMeant).length > 0 || this.#settling.has(isMeant);
  }

  /** Those that are open now. */
  now(): ReadonlySet<Connection> {
    return new Set(this.#open);
  }

  /** @param superseded nothing more is sent, and nobody is terminated, once another call closes them */
  close(
    isMeant: (connection: Connection) => boolean,
    options: Required<CloseOptions>,
    superseded?: AbortSignal,
  ): Promise<void> {
    const speakers = [...this.#speakers];
    const farewell: Farewell = {
      settled(peer) {
        const settling = speakers
          .map((speaker) => speaker.settled?.(peer))
          .filter((one) => one !== undefined);
        return settling.length > 0 ? Promise.all(settling) : undefined;
      },
      leaving(peer) {
        for (const speaker of speakers) speaker.leaving(peer);
      },
    };
    return closeConnections(() => this.#openOf(isMeant), options, farewell, superseded);
  }

  /** Resolves when the hooks of all connections that have ended until now have settled. */
  hooksSettled(isMeant: (connection: Connection) => boolean): Promise<void> {
    return this.#settling.settled(isMeant);
  }

  #openOf(isMeant: (connection: Connection) => boolean): Connection[] {
    return [...this.#open].filter(isMeant);
  }
}
