import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";
import { type Peer, useHeaders } from "@spry-ws/core";

const channel = "spry-ws:error";

/** By the key of the handshake (`Sec-WebSocket-Key`), which no two connections share. */
const watches = new Map<string, HookWatch>();

/** Notes what a hook of the app throws for one connection, where the app is one of spry-ws in this process. */
export class HookWatch {
  /** What was thrown first; undefined: nothing, as far as is known. */
  error: unknown;
  #key = "";

  /** @param key of the handshake; another one takes its place */
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
    // A peer of another copy of the library: what was thrown stays with the app.
    return undefined;
  }
}
