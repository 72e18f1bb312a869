import { maxTimeoutMs } from "../timers.ts";
import type { Connection } from "./connection.ts";

/** Options of `spry.close`, and the option `shutdown`. */
export interface CloseOptions {
  /** The code of the close frames. @default 1001 // going away */
  code?: number;
  /** The reason in the close frames, up to 123 bytes. @default "" */
  reason?: string;
  /**
   * How long all of it may take, in milliseconds. Within the first half hooks may finish, and handle the messages that have
   * been received; then everybody is sent a close frame who has none yet. Peers that have not answered when a tenth is left are
   * terminated; that is for their `close` hooks and the backplane. 0 terminates at once, `Infinity` waits for as long as it takes.
   * @default 10_000 // 10 seconds
   */
  deadlineMs?: number;
  /**
   * Spreads the close frames over this time at random, in milliseconds, so that not all clients come back at once; over half of
   * `deadlineMs` at most.
   * @default 0
   */
  jitterMs?: number;
}

/** When, in parts of the deadline, the last close frames are sent, and peers terminated that have not answered. */
const [sendAt, terminateAt] = [0.5, 0.9];

/**
 * Closes connections: each when the hooks of what it has sent have settled. Never rejects.
 *
 * @param remaining the connections that are still to be closed
 * @param superseded nothing more is sent, and nobody is terminated, once another call closes them
 */
export async function closeConnections(
  remaining: () => readonly Connection[],
  { code, reason, deadlineMs, jitterMs }: Required<CloseOptions>,
  superseded?: AbortSignal,
): Promise<void> {
  const timers: NodeJS.Timeout[] = [];
  const cancel = () => timers.forEach(clearTimeout);
  const after = (ms: number, work: () => void) => timers.push(setTimeout(work, Math.min(ms, maxTimeoutMs)));
  const forAll = (work: (connection: Connection) => void) => () => remaining().forEach(work);
  const close = (connection: Connection) => void connection.close(code, reason);
  after(deadlineMs * sendAt, forAll(close));
  after(
    deadlineMs * terminateAt,
    forAll((connection) => connection.terminate("deadline")),
  );
  superseded?.addEventListener("abort", cancel);

  const longestMs = Math.min(jitterMs, deadlineMs * sendAt);
  const begin = (connection: Connection): Promise<void> => {
    const finish = () => connection.finish(() => superseded?.aborted || close(connection));
    if (longestMs > 0) after(Math.random() * longestMs, finish);
    else finish();
    return connection.closed;
  };
  // More than one round: a handshake that was complete already may open a connection meanwhile.
  for (let open = remaining(); open.length > 0 && !superseded?.aborted; open = remaining())
    await Promise.all(open.map(begin));
  cancel();
  superseded?.removeEventListener("abort", cancel);
}
