import type { HeartbeatOptions } from "../options.ts";
import type { Connection } from "./connection.ts";

/** Ticks per interval or timeout, whichever is shorter: how exactly the times are kept. */
const ticksPerSpan = 5;

/**
 * Pings peers from which nothing has come for a while, and terminates those that then send nothing either. One timer serves
 * all peers, and the messages of a peer cost nothing: at each tick the bytes its socket has read are compared with those of the
 * tick before.
 *
 * A peer is gone at the latest `intervalMs + timeoutMs` after its last byte, and always has `timeoutMs` to answer a ping. So
 * pings go out up to three ticks before the interval is over.
 */
export class Heartbeat {
  readonly #connections: ReadonlySet<Connection>;
  readonly #timeoutMs: number;
  readonly #tickMs: number;
  readonly #silenceMs: number;
  #timer: NodeJS.Timeout | undefined;
  #lastTick = 0;

  constructor(connections: ReadonlySet<Connection>, { intervalMs, timeoutMs }: Required<HeartbeatOptions>) {
    this.#connections = connections;
    this.#timeoutMs = timeoutMs;
    this.#tickMs = Math.max(1, Math.floor(Math.min(intervalMs, timeoutMs) / ticksPerSpan));
    this.#silenceMs = intervalMs - 3 * this.#tickMs;
  }

  /** Runs for as long as there are peers; never keeps the process alive. */
  start(): void {
    if (this.#timer) return;
    this.#lastTick = performance.now();
    this.#timer = setInterval(() => this.#tick(), this.#tickMs).unref();
  }

  #tick(): void {
    const now = performance.now();
    // The process was held up, or the machine slept: answers may wait unread, and are to be read first.
    const wasHeldUp = now - this.#lastTick > this.#timeoutMs / 2 + this.#tickMs;
    this.#lastTick = now;
    if (this.#connections.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    for (const connection of this.#connections) this.#check(connection.liveness, connection, now, wasHeldUp);
  }

  #check(liveness: Liveness, connection: Connection, now: number, wasHeldUp: boolean): void {
    // A paused socket is not read by our own choice: what tells of such a peer is that it reads.
    const isThere = liveness.hasNewBytes() || (connection.isPaused && !liveness.isStalled());
    if (isThere) liveness.seen(now);
    else if (liveness.pingedAt === 0) {
      if (now - liveness.seenAt < this.#silenceMs) return;
      liveness.pingedAt = now;
      connection.ping();
    } else if (wasHeldUp) liveness.pingedAt = now;
    else if (now - liveness.pingedAt >= this.#timeoutMs) connection.terminate("heartbeat");
  }
}

/** What a net.Socket and a TLSSocket count; other streams need not. */
interface CountingSocket {
  readonly bytesRead?: number;
  readonly bytesWritten?: number;
  readonly writableLength?: number;
  readonly _handle?: { readonly writeQueueSize?: number } | null;
}

/** What the heartbeat knows of one peer. */
export class Liveness {
  readonly #socket: CountingSocket;
  #bytesRead = 0;
  #bytesTaken = 0;
  seenAt: number = performance.now();
  /** When the ping was sent that is not answered yet, or 0. */
  pingedAt = 0;

  constructor(socket: CountingSocket) {
    this.#socket = socket;
  }

  /** Any byte counts, whatever it belongs to. */
  hasNewBytes(): boolean {
    const bytesRead = this.#socket.bytesRead ?? 0;
    if (bytesRead === this.#bytesRead) return false;
    this.#bytesRead = bytesRead;
    return true;
  }

  /**
   * Something waits to be sent, and the peer has read nothing since the last call. Chunks count as they are taken, however large
   * they are; where a runtime does not tell, nobody is stalled.
   */
  isStalled(): boolean {
    const { bytesWritten, writableLength, _handle } = this.#socket;
    const queued = _handle?.writeQueueSize;
    if (!writableLength || bytesWritten === undefined || queued === undefined) return false;
    const bytesTaken = bytesWritten - writableLength - queued;
    if (bytesTaken === this.#bytesTaken) return true;
    this.#bytesTaken = bytesTaken;
    return false;
  }

  seen(now: number): void {
    this.seenAt = now;
    this.pingedAt = 0;
  }
}
