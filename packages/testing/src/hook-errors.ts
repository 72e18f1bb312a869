import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";
import { type Peer, useHeaders } from "@spry-ws/core";

const channel = "spry-ws:error";

/** The watches by the key of the handshake (`Sec-WebSocket-Key`), which is different for each connection. */
const watches = new Map<string, HookWatch>();

/** Notes what a hook of the app throws for one connection, if the app runs in this process with spry-ws. */
export class HookWatch {
  /** What was thrown first; undefined if nothing is known to have been thrown. */
  error: unknown;
  #key = "";

  /** @param key of the handshake. A second call takes the place of the first */
  start(key: string): void {
    this.stop();
    this.#key = key;
    if (watches.size === 0) subscribe(channel, note);
    watches.set(key, this);
  }

  stop(): void {
    if (watches.delete(this.#key) && watches.size === 0) unsubscribe(channel, note);
  }
}

interface ErrorEvent {
  readonly error: unknown;
  readonly peer?: Peer;
  /** Before the 101. */
  readonly request?: IncomingMessage;
}

function note(event: unknown): void {
  const { error } = event as ErrorEvent;
  const watch = watches.get(keyOf(event as ErrorEvent) ?? "");
  if (watch) watch.error ??= error;
}

function keyOf({ peer, request }: ErrorEvent): string | null | undefined {
  if (request) return request.headers["sec-websocket-key"];
  try {
    return peer && useHeaders(peer).get("sec-websocket-key");
  } catch {
    // The peer belongs to another copy of the library, whose errors cannot be seen from here.
    return undefined;
  }
}
