import type { NatsConnectionLike } from "./types.ts";

type Listener = (error: unknown) => void;

const listenersOf = new WeakMap<NatsConnectionLike, Set<Listener>>();

/**
 * Calls the listener when the connection is closed for good. A listener on the promise itself would stay until then: a
 * process that makes a publisher for each job would keep them all.
 *
 * @returns ends it
 */
export function onClosed(connection: NatsConnectionLike, listener: Listener): () => void {
  let listeners = listenersOf.get(connection);
  if (!listeners) {
    const all = new Set<Listener>();
    listeners = all;
    listenersOf.set(connection, all);
    const tell = (error: unknown) => {
      listenersOf.delete(connection);
      for (const listener of all) listener(error);
    };
    connection.closed().then(tell, tell);
  }
  listeners.add(listener);
  return () => void listeners.delete(listener);
}
