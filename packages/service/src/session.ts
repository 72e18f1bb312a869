import { Cancellation } from "./cancellation.ts";
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

/** A request that is under way, until its handler has ended: also one that was cancelled. */
interface Running {
  readonly cancellation: Cancellation;
}

/** A request that has ended: its answer, undefined if the client has cancelled it, and the connection that the answer was sent on. */
interface Ended {
  readonly answer: Encoded | undefined;
  sentOn: string | undefined;
}

type Entry = Running | Ended;

/** The bytes counted for an entry besides its answer: a client that confirms nothing must not fill the memory with empty answers. */
const entryBytes = 128;

/** How many connections of a client are remembered. A client has more only if it has lost each of them before an answer came. */
const maxPeerIds = 32;

/**
 * What is remembered of one client, across its connections to this process: its requests, and the answers it has not confirmed. So
 * a request that is sent again on a later connection does not run again, and gets its first answer.
 */
export class Session {
  readonly #limits: ResolvedLimits;
  readonly #keptMore: (bytes: number) => void;
  /** Made with the first request: a client that only listens has none. */
  #entries: Map<number, Entry> | undefined;
  /** The client's connections to this process. All requests that came on them are remembered. */
  #peerIds: readonly string[] = [];
  #connection: SessionConnection | undefined;
  /** The client has confirmed the answers of all requests up to this number. */
  #confirmed = 0;
  #bytes = 0;
  #running = 0;
  /** When the last connection ended, or 0. */
  absentSince = 0;

  /** @param keptMore called with the size of each answer that comes, and is kept, while the client has no connection */
  constructor(limits: ResolvedLimits, keptMore: (bytes: number) => void) {
    this.#limits = limits;
    this.#keptMore = keptMore;
  }

  /** The bytes of the answers that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The client has a new connection, which takes the place of the one before. */
  attach(connection: SessionConnection): void {
    const former = this.#connection;
    this.#connection = connection;
    this.absentSince = 0;
    // A new array has no room for more, which most clients never need.
    this.#peerIds = [...this.#peerIds.slice(1 - maxPeerIds), connection.peerId];
    former?.replaced();
  }

  /** A connection has ended. @returns false if another one had taken its place before */
  detach(connection: SessionConnection, now: number): boolean {
    if (this.#connection !== connection) return false;
    this.#connection = undefined;
    this.absentSince = now;
    return true;
  }

  /** Whether no further request may run now: too many are running, or too much is not confirmed. */
  get isFull(): boolean {
    const { maxRequests, maxUnconfirmedBytes } = this.#limits;
    return this.#running >= maxRequests || this.#bytes > maxUnconfirmedBytes;
  }

  /**
   * A request has come, perhaps once more: sends its answer again, if it has one that was not sent on this connection.
   *
   * @returns whether the request has come before. Then nothing else is to be done: an answer that is not there yet will be sent when it
   * comes
   */
  resendAnswer(n: number): boolean {
    if (n <= this.#confirmed) return true;
    const entry = this.#entries?.get(n);
    if (entry && "answer" in entry) this.#send(entry);
    return entry !== undefined;
  }

  /** Whether all requests that came on this connection are remembered. */
  remembers(peerId: string): boolean {
    return this.#peerIds.includes(peerId);
  }

  begin(n: number): Cancellation {
    const cancellation = new Cancellation();
    this.#entries ??= new Map();
    this.#entries.set(n, { cancellation });
    this.#running++;
    return cancellation;
  }

  /** A handler has ended: sends its answer, and keeps it until it is confirmed. Does neither if the client has cancelled the request. */
  answer(n: number, answer: Encoded): void {
    const entry = this.#entries?.get(n);
    if (!entry || "answer" in entry) return;
    this.#running--;
    if (n <= this.#confirmed) {
      this.#entries?.delete(n);
      return;
    }
    const isWanted = !entry.cancellation.isAborted;
    const ended: Ended = { answer: isWanted ? answer : undefined, sentOn: undefined };
    this.#entries?.set(n, ended); // Also without an answer, so that the request does not run if it comes again.
    this.#bytes += sizeOf(ended);
    if (this.#connection) this.#send(ended);
    else this.#keptMore(sizeOf(ended));
  }

  /** The client does not want the answer of a request any more. The request is under way until its handler has ended. */
  cancel(n: number): void {
    const entry = this.#entries?.get(n);
    if (entry && "cancellation" in entry) entry.cancellation.abort();
  }

  /** The client has got the answers of all requests up to this number, or does not want them any more: forgets them. */
  confirm(n: number): void {
    if (n <= this.#confirmed) return;
    this.#confirmed = n;
    for (const [number, entry] of this.#entries ?? []) {
      if (number > n) continue;
      if ("cancellation" in entry) {
        entry.cancellation.abort();
        continue;
      }
      this.#entries?.delete(number);
      this.#bytes -= sizeOf(entry);
    }
  }

  /** The client is forgotten: aborts its requests. */
  end(): void {
    for (const entry of this.#entries?.values() ?? [])
      if ("cancellation" in entry) entry.cancellation.abort();
    this.#entries = undefined;
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
