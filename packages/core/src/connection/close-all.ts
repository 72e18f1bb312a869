import type { CloseOptions } from "../options/close-options.ts";
import type { Peer } from "../peer.ts";
import { maxTimeoutMs } from "../timers.ts";
import type { Connection } from "./connection.ts";

/** Parts of the deadline: when the last close frames are sent, and when peers that have not answered are terminated. */
const [sendAt, terminateAt] = [0.5, 0.9];

/**
 * Closes connections, each as soon as its hooks have handled what it has sent. Never rejects.
 *
 * @param remaining the connections that are still to be closed
 * @param leaving called with each peer before its close frame
 * @param superseded nothing more is sent, and nobody is terminated, once another call closes them
 */
export async function closeConnections(
  remaining: () => readonly Connection[],
  { code, reason, deadlineMs, jitterMs }: Required<CloseOptions>,
  leaving: (peer: Peer) => void,
  superseded?: AbortSignal,
): Promise<void> {
  const timers: NodeJS.Timeout[] = [];
  const cancel = () => timers.forEach(clearTimeout);
  const after = (ms: number, work: () => void) => timers.push(setTimeout(work, Math.min(ms, maxTimeoutMs)));
  const forAll = (work: (connection: Connection) => void) => () => remaining().forEach(work);
  const close = (connection: Connection): void => {
    if (connection.isOpen) leaving(connection.peer);
    void connection.close(code, reason);
  };
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
