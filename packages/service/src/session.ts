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

/** A request that has come. It is under way until its handler has ended, also if it was cancelled. */
interface Entry {
  /** Undefined when it has ended. */
  cancellation: Cancellation | undefined;
  /** When it has ended: undefined if the client has cancelled it. */
  answer: Encoded | undefined;
  /** The connection that the answer was sent on. */
  sentOn: string | undefined;
}

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
  /** Those who wait for the answers of all requests under way. */
  #settling: (() => void)[] | undefined;
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
    if (entry && !entry.cancellation) this.#send(entry);
    return entry !== undefined;
  }

  /** Whether all requests that came on this connection are remembered. */
  remembers(peerId: string): boolean {
    return this.#peerIds.includes(peerId);
  }

  /** Resolves when no request is under way whose answer the client waits for; undefined if there is none. */
  settled(): Promise<void> | undefined {
    if (!this.#isAnswering) return undefined;
    this.#settling ??= [];
    const settling = this.#settling;
    return new Promise((resolve) => settling.push(resolve));
  }

  get #isAnswering(): boolean {
    for (const { cancellation } of this.#entries?.values() ?? [])
      if (cancellation && !cancellation.isAborted) return true;
    return false;
  }

  #settle(): void {
    if (!this.#settling || this.#isAnswering) return;
    for (const resolve of this.#settling) resolve();
    this.#settling = undefined;
  }

  begin(n: number): Cancellation {
    const cancellation = new Cancellation();
    this.#entries ??= new Map();
    this.#entries.set(n, { cancellation, answer: undefined, sentOn: undefined });
    this.#running++;
    return cancellation;
  }

  /** A handler has ended: sends its answer, and keeps it until it is confirmed. Does neither if the client has cancelled the request. */
  answer(n: number, answer: Encoded): void {
    const entry = this.#entries?.get(n);
    if (!entry?.cancellation) return;
    this.#running--;
    if (n <= this.#confirmed) {
      this.#entries?.delete(n);
      this.#settle();
      return;
    }
    // It stays also without an answer, so that the request does not run if it comes again.
    if (!entry.cancellation.isAborted) entry.answer = answer;
    entry.cancellation = undefined;
    this.#bytes += sizeOf(entry);
    if (this.#connection) this.#send(entry);
    else this.#keptMore(sizeOf(entry));
    this.#settle();
  }

  /** The client does not want the answer of a request any more. The request is under way until its handler has ended. */
  cancel(n: number): void {
    const entry = this.#entries?.get(n);
    entry?.cancellation?.abort();
    this.#settle();
  }

  /** The client has got the answers of all requests up to this number, or does not want them any more: forgets them. */
  confirm(n: number): void {
    if (n <= this.#confirmed) return;
    this.#confirmed = n;
    for (const [number, entry] of this.#entries ?? []) {
      if (number > n) continue;
      if (entry.cancellation) {
        entry.cancellation.abort();
        continue;
      }
      this.#entries?.delete(number);
      this.#bytes -= sizeOf(entry);
    }
    this.#settle();
  }

  /** The client is forgotten: aborts its requests. */
  end(): void {
    for (const { cancellation } of this.#entries?.values() ?? []) cancellation?.abort();
    this.#entries = undefined;
    this.#settle();
  }

  /** Once on each connection: who asks again and again gets no more for it. */
  #send(entry: Entry): void {
    const connection = this.#connection;
    if (!connection || entry.answer === undefined || entry.sentOn === connection.peerId) return;
    entry.sentOn = connection.peerId;
    connection.send(entry.answer);
  }
}

function sizeOf({ answer }: Entry): number {
  return entryBytes + (answer?.length ?? 0);
}
