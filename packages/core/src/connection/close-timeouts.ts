import type { Connection } from "./connection.ts";
import { type Tick, Ticker } from "./ticker.ts";

/**
 * Destroys the sockets of peers that do not end a connection that is being closed, whoever began. `ws` does so a fixed time
 * after the close frame is written, which may have to wait behind megabytes. Here the time runs while the peer reads nothing,
 * and from when it can have read the close frame: see Liveness. What it sends meanwhile does not count.
 */
export class CloseTimeouts {
  readonly #ticker: Ticker;
  readonly #timeoutMs: number;

  constructor(connections: ReadonlySet<Connection>, timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    this.#ticker = new Ticker(connections, timeoutMs, timeoutMs, (connection, tick) =>
      this.#check(connection, tick),
    );
  }

  start(): void {
    this.#ticker.start();
  }

  #check(connection: Connection, { now, elapsedMs, wasHeldUp }: Tick): void {
    const { liveness, websocket } = connection;
    if (websocket.readyState !== websocket.CLOSING) return;
    const isReading = liveness.look(elapsedMs / this.#timeoutMs);
    // Where the peer has begun, or `ws` for an error, this is the first that is seen of it.
    if (!liveness.isClosing) liveness.closing(now);
    else if (isReading || wasHeldUp || liveness.isOnTheWay) liveness.waits(now);
    else if (now - liveness.waitsFrom >= this.#timeoutMs) connection.terminate();
  }
}
