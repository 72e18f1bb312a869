import type { ResolvedLimits } from "./options.ts";
import { Session, type SessionConnection } from "./session.ts";

/** The sessions of the clients that are connected to this process, and for a while of those that have gone. */
export class Sessions {
  readonly #limits: ResolvedLimits;
  readonly #sessions = new Map<string, Session>();
  /** The sessions without a connection, in the order in which the clients left. */
  readonly #absent = new Map<string, Session>();
  /** The bytes of the answers that are kept for them. */
  #absentBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(limits: ResolvedLimits) {
    this.#limits = limits;
  }

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
