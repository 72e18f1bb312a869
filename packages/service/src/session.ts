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

/** A request that is under way. One that was cancelled is so until its handler has ended. */
interface Running {
  readonly controller: AbortController;
}

/** A request that has ended: its answer, without one where the client has cancelled it, and the connection it was sent on. */
interface Ended {
  readonly answer: Encoded | undefined;
  sentOn: string | undefined;
}

type Entry = Running | Ended;

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
  readonly #keptMore: (bytes: number) => void;
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

  /** @param keptMore told of what is kept from now on while the client has no connection */
  constructor(limits: ResolvedLimits, keptMore: (bytes: number) => void) {
    this.#limits = limits;
    this.#keptMore = keptMore;
  }

  /** What is kept of answers. */
  get bytes(): number {
    return this.#bytes;
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
   * Whether a request is known: confirmed, answered, which sends the answer again if this connection has not had it, or under way,
   * which will send it. Otherwise it is to be begun, refused, or given up.
   */
  knows(n: number): boolean {
    if (n <= this.#confirmed) return true;
    const entry = this.#entries.get(n);
    if (entry && "answer" in entry) this.#send(entry);
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

  /** A handler has ended. Its answer is kept until it is confirmed; nothing is sent if the client has cancelled. */
  answer(n: number, answer: Encoded): void {
    const entry = this.#entries.get(n);
    if (!entry || "answer" in entry) return;
    this.#running--;
    this.#entries.delete(n);
    if (n <= this.#confirmed) return;
    const isWanted = !entry.controller.signal.aborted;
    const ended: Ended = { answer: isWanted ? answer : undefined, sentOn: undefined };
    this.#entries.set(n, ended); // Also without an answer: if it comes again, nothing runs.
    this.#bytes += sizeOf(ended);
    if (this.#connection) this.#send(ended);
    else this.#keptMore(sizeOf(ended));
  }

  /** The client does not want the answer of a request any more. Its handler counts as under way until it has ended. */
  cancel(n: number): void {
    const entry = this.#entries.get(n);
    if (entry && "controller" in entry) entry.controller.abort();
  }

  /** All answers up to a request's have come, or are not wanted any more. */
  confirm(n: number): void {
    if (n <= this.#confirmed) return;
    this.#confirmed = n;
    for (const [number, entry] of this.#entries) {
      if (number > n) continue;
      if ("controller" in entry) {
        entry.controller.abort();
        continue;
      }
      this.#entries.delete(number);
      this.#bytes -= sizeOf(entry);
    }
  }

  /** The client has not come back, or the service ends. */
  end(): void {
    for (const entry of this.#entries.values()) if ("controller" in entry) entry.controller.abort();
    this.#entries.clear();
  }

  /** Once on each connection: who asks again and again gets no more for it. */
  #send(ended: Ended): void {
    const connection = this.#connection;
    if (!connection || ended.answer === undefined || ended.sentOn === connection.peerId) return;
    ended.sentOn = connection.peerId;
    connection.send(ended.answer);
  }
}

function sizeOf({ answer }: Ended): number {
  return entryBytes + (answer?.length ?? 0);
}
