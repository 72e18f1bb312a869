import { maxTimeoutMs } from "../timers.ts";
import type { Connection } from "./connection.ts";

/** Options of `spry.close`. */
export interface CloseOptions {
  /** The code of the close frames. @default 1001 // going away */
  code?: number;
  /** The reason in the close frames, up to 123 bytes. @default "" */
  reason?: string;
  /**
   * How long peers have to answer, in milliseconds; those that have not are terminated then. 0 terminates at once,
   * `Infinity` leaves them the whole of `closeTimeoutMs`.
   * @default 10_000 // 10 seconds
   */
  deadlineMs?: number;
  /**
   * Spreads the close frames over this time at random, in milliseconds, so that not all clients come back at once. Should be
   * well below `deadlineMs`.
   * @default 0
   */
  jitterMs?: number;
}

/**
 * Closes connections and terminates, at the deadline, those whose peer has not answered. Never rejects.
 *
 * @param remaining the connections that are still to be closed
 */
export async function closeConnections(
  remaining: () => readonly Connection[],
  { code = 1001, reason = "", deadlineMs = 10_000, jitterMs = 0 }: CloseOptions,
): Promise<void> {
  const timers: NodeJS.Timeout[] = [];
  const close = (connection: Connection): Promise<void> => {
    if (jitterMs === 0) return connection.close(code, reason);
    timers.push(setTimeout(() => void connection.close(code, reason), Math.random() * jitterMs));
    return connection.closed;
  };
  const terminateAll = () => {
    for (const connection of remaining()) connection.terminate("deadline");
  };
  const deadline = setTimeout(terminateAll, Math.min(deadlineMs, maxTimeoutMs));
  // More than one round: a handshake that was complete already may open a connection meanwhile.
  for (let open = remaining(); open.length > 0; open = remaining()) await Promise.all(open.map(close));
  for (const timer of [deadline, ...timers]) clearTimeout(timer);
}
