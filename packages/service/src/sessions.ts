import type { ResolvedLimits } from "./options.ts";
import { Session, type SessionConnection } from "./session.ts";

/** The clients of this process, and for a while those that have gone. */
export class Sessions {
  readonly #limits: ResolvedLimits;
  readonly #sessions = new Map<string, Session>();
  /** Those without a connection, the one that left first in front. */
  readonly #absent = new Map<string, Session>();
  /** The answers they have not got. */
  #absentBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(limits: ResolvedLimits) {
    this.#limits = limits;
  }

  /** How many are remembered. */
  get size(): number {
    return this.#sessions.size;
  }

  /** A client has said hello. */
  attach(clientId: string, connection: SessionConnection): Session {
    const session = this.#sessions.get(clientId) ?? new Session(this.#limits, this.#keptMore);
    this.#sessions.set(clientId, session);
    if (this.#absent.delete(clientId)) this.#absentBytes -= session.bytes;
    session.attach(connection);
    return session;
  }

  /** A client's connection has ended. */
  detach(clientId: string, connection: SessionConnection): void {
    const session = this.#sessions.get(clientId);
    if (!session?.detach(connection, performance.now())) return;
    this.#absent.set(clientId, session);
    this.#keptMore(session.bytes);
    if (this.#absent.size > this.#limits.maxAbsentClients) this.#forgetFirst();
    this.#schedule();
  }

  readonly #keptMore = (bytes: number): void => {
    this.#absentBytes += bytes;
    while (this.#absentBytes > this.#limits.maxAbsentBytes && this.#absent.size > 0) this.#forgetFirst();
  };

  #schedule(): void {
    const [first] = this.#absent.values();
    if (!first || this.#timer) return;
    const leftMs = first.absentSince + this.#limits.absentMs - performance.now();
    // It never keeps the process alive.
    this.#timer = setTimeout(() => this.#forgetExpired(), Math.max(1, Math.ceil(leftMs))).unref();
  }

  #forgetExpired(): void {
    this.#timer = undefined;
    const since = performance.now() - this.#limits.absentMs;
    for (const session of this.#absent.values()) {
      if (session.absentSince > since) break;
      this.#forgetFirst();
    }
    this.#schedule();
  }

  #forgetFirst(): void {
    const [first] = this.#absent;
    if (!first) return;
    const [clientId, session] = first;
    this.#absent.delete(clientId);
    this.#absentBytes -= session.bytes;
    this.#sessions.delete(clientId);
    session.end();
  }
}
