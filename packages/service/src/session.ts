import type { ResolvedLimits } from "./options.ts";

/** A frame that is ready to be sent. */
export type Encoded = string | Uint8Array;

/** What a session needs of the connection its client has now. */
export interface SessionConnection {
  readonly peerId: string;
  send(frame: Encoded): void;
  /** The same client has connected anew. */
  replaced(): void;
}

/** A request that is under way, or its answer; without one where the client has cancelled it. */
type Entry = { readonly controller: AbortController } | { readonly answer: Encoded | undefined };

/** What an entry is counted as beside its answer: a client that confirms nothing must not fill the memory with empty answers. */
const entryBytes = 128;

/** The most connections of a client that are remembered. A client that needs more has lost each of them before an answer came. */
const maxPeerIds = 32;

/**
 * What is remembered of one client, over its connections to this process: its requests, and the answers it has not confirmed.
 * So a request that is sent again runs once, and gets the answer of the first time.
 */
export class Session {
  readonly #limits: ResolvedLimits;
  readonly #entries = new Map<number, Entry>();
  /** The client's connections to this process, of which everything is remembered. */
  readonly #peerIds: string[] = [];
  #connection: SessionConnection | undefined;
  /** The answers up to here have come. */
  #confirmed = 0;
  #bytes = 0;
  #running = 0;
  /** When the last connection ended, or 0. */
  absentSince = 0;

  constructor(limits: ResolvedLimits) {
    this.#limits = limits;
  }

  /** The client has a connection, which takes the place of the one before. */
  attach(connection: SessionConnection): void {
    const former = this.#connection;
    this.#connection = connection;
    this.absentSince = 0;
    this.#peerIds.push(connection.peerId);
    if (this.#peerIds.length > maxPeerIds) this.#peerIds.shift();
    former?.replaced();
  }

  /** The connection has ended. False if another one has taken its place. */
  detach(connection: SessionConnection, now: number): boolean {
    if (this.#connection !== connection) return false;
    this.#connection = undefined;
    this.absentSince = now;
    return true;
  }

  /** Whether a request may run now; if not, why not. */
  get isFull(): boolean {
    const { maxRequests, maxUnconfirmedBytes } = this.#limits;
    return this.#running >= maxRequests || this.#bytes > maxUnconfirmedBytes;
  }

  /**
   * Whether a request is known: confirmed, answered, which sends the answer again, or under way, which will send it. Otherwise it is
   * to be begun, refused, or given up.
   */
  knows(n: number): boolean {
    if (n <= this.#confirmed) return true;
    const entry = this.#entries.get(n);
    if (entry && "answer" in entry && entry.answer !== undefined) this.#connection?.send(entry.answer);
    return entry !== undefined;
  }

  /** Whether everything is known that came on this connection of the client's. */
  remembers(peerId: string): boolean {
    return this.#peerIds.includes(peerId);
  }

  /** A request begins. */
  begin(n: number): AbortController {
    const controller = new AbortController();
    this.#entries.set(n, { controller });
    this.#running++;
    return controller;
  }

  /** A request has its answer. It is kept until it is confirmed; nothing is sent if the client has cancelled. */
  answer(n: number, answer: Encoded): void {
    const entry = this.#entries.get(n);
    if (!entry || "answer" in entry) return;
    this.#settle(n, answer);
    this.#connection?.send(answer);
  }

  /** The client does not want the answer of a request any more. */
  cancel(n: number): void {
    const entry = this.#entries.get(n);
    if (!entry || "answer" in entry) return;
    this.#settle(n, undefined); // If it comes again, nothing runs.
    entry.controller.abort();
  }

  /** All answers up to a request's have come. */
  confirm(n: number): void {
    if (n <= this.#confirmed) return;
    this.#confirmed = n;
    for (const [number, entry] of this.#entries) {
      if (number > n || !("answer" in entry)) continue;
      this.#entries.delete(number);
      this.#bytes -= sizeOf(entry.answer);
    }
  }

  /** The client has not come back, or the service ends. */
  end(): void {
    for (const entry of this.#entries.values()) if ("controller" in entry) entry.controller.abort();
    this.#entries.clear();
  }

  #settle(n: number, answer: Encoded | undefined): void {
    this.#running--;
    this.#bytes += sizeOf(answer);
    this.#entries.set(n, { answer });
  }
}

function sizeOf(answer: Encoded | undefined): number {
  return entryBytes + (answer?.length ?? 0);
}
