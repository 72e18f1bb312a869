import type { Connection } from "./connection.ts";

/** How exactly times are kept: the number of looks in one span of time. */
const ticksPerSpan = 5;

/** One look at all connections. */
export interface Tick {
  readonly now: number;
  /** Since the last one. */
  readonly elapsedMs: number;
  /** The process was held up, or the machine slept: answers may wait unread, and are to be read first. */
  readonly wasHeldUp: boolean;
}

/**
 * Looks at connections in regular intervals, with one timer for all of them. Runs for as long as there are any; never keeps the
 * process alive.
 */
export class Ticker {
  readonly intervalMs: number;
  readonly #connections: ReadonlySet<Connection>;
  readonly #timeoutMs: number;
  readonly #check: (connection: Connection, tick: Tick) => void;
  #timer: NodeJS.Timeout | undefined;
  #last = 0;

  /** @param spanMs the shortest time that is kept, @param timeoutMs the time that peers have to answer */
  constructor(
    connections: ReadonlySet<Connection>,
    spanMs: number,
    timeoutMs: number,
    check: (connection: Connection, tick: Tick) => void,
  ) {
    this.#connections = connections;
    this.#timeoutMs = timeoutMs;
    this.#check = check;
    this.intervalMs = Math.max(1, Math.floor(spanMs / ticksPerSpan));
  }

  start(): void {
    if (this.#timer) return;
    this.#last = performance.now();
    this.#timer = setInterval(() => this.#tick(), this.intervalMs).unref();
  }

  #tick(): void {
    const now = performance.now();
    const elapsedMs = now - this.#last;
    this.#last = now;
    if (this.#connections.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    const tick = { now, elapsedMs, wasHeldUp: elapsedMs > this.#timeoutMs / 2 + this.intervalMs };
    for (const connection of this.#connections) this.#check(connection, tick);
  }
}
