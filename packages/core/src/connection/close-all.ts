import type { CloseOptions } from "../options/close-options.ts";
import { maxTimeoutMs } from "../timers.ts";
import type { Connection } from "./connection.ts";

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
