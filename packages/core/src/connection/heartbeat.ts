import type { HeartbeatOptions } from "../options/options.ts";
import type { Connection } from "./connection.ts";
import { type Tick, Ticker } from "./ticker.ts";

/**
 * Pings peers from which nothing has come for a while, and terminates those that then send nothing either. One timer serves
 * all peers, and the messages of a peer cost nothing: at each tick the bytes its socket has read are compared with those of the
 * tick before.
 *
 * A peer is terminated at the latest `intervalMs + timeoutMs` after its last byte, and always has `timeoutMs` to answer a ping.
 * So pings go out up to three ticks before the interval is over. A peer that reads is alive too, and its answer to a ping comes
 * only after it has read what was sent before the ping: see Liveness.
 */
export class Heartbeat {
  readonly #ticker: Ticker;
  readonly #timeoutMs: number;
  readonly #silenceMs: number;

  constructor(connections: ReadonlySet<Connection>, { intervalMs, timeoutMs }: Required<HeartbeatOptions>) {
    const spanMs = Math.min(intervalMs, timeoutMs);
    this.#ticker = new Ticker(connections, spanMs, timeoutMs, (connection, tick) =>
      this.#check(connection, tick),
    );
    this.#timeoutMs = timeoutMs;
    this.#silenceMs = intervalMs - 3 * this.#ticker.intervalMs;
  }

  start(): void {
    this.#ticker.start();
  }

  #check(connection: Connection, { now, elapsedMs, wasHeldUp }: Tick): void {
    const { liveness } = connection;
    // CloseTimeouts looks at it.
    if (liveness.isClosing) return;
    const isReading = liveness.look(elapsedMs / this.#timeoutMs);
    // We do not read a paused socket, so the only sign of life of such a peer is that it reads.
    if (liveness.hasNewBytes() || isReading || (connection.isPaused && !liveness.isBlocked))
      liveness.seen(now);
    else if (liveness.pingedAt === undefined) {
      if (now - liveness.seenAt < this.#silenceMs) return;
      liveness.pinged(now);
      connection.ping();
    } else if (wasHeldUp || liveness.isOnTheWay) liveness.waits(now);
    else if (now - liveness.waitsFrom >= this.#timeoutMs) connection.terminate("heartbeat");
  }
}
