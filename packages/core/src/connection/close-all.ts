import type { CloseOptions } from "../options/close-options.ts";
import type { Peer } from "../peer.ts";
import { maxTimeoutMs } from "../timers.ts";
import type { Connection } from "./connection.ts";

/** Parts of the deadline: when the last close frames are sent, and when peers that have not answered are terminated. */
const [sendAt, terminateAt] = [0.5, 0.9];

/** What is asked and told about the peers that are closed. */
export interface Farewell {
  /** Its hooks have settled. @returns what is to be waited for too, in the first half of the deadline. Never rejects */
  settled(peer: Peer): Promise<unknown> | undefined;
  /** Its close frame comes next. */
  leaving(peer: Peer): void;
}

/**
 * Closes connections, each as soon as its hooks have handled what it has sent. Never rejects.
 *
 * @param remaining the connections that are still to be closed
 * @param superseded nothing more is sent, and nobody is terminated, once another call closes them
 */
export async function closeConnections(
  remaining: () => readonly Connection[],
  { code, reason, deadlineMs, jitterMs }: Required<CloseOptions>,
  { settled, leaving }: Farewell,
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
    const closeNow = () => superseded?.aborted || close(connection);
    const finish = () =>
      connection.finish(() => {
        const settling = connection.isOpen ? settled(connection.peer) : undefined;
        if (settling) void settling.then(closeNow);
        else closeNow();
      });
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
