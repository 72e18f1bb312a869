import type { Duplex, Writable } from "node:stream";
import type { WebSocket } from "ws";

/** The parts of a `ws` WebSocket that the fast paths work beside. They are not in its API, so they are checked. */
export interface WebSocketInternals {
  readonly _socket: Duplex;
  readonly _receiver: Writable;
  readonly _sender: {
    /** 0: no message is being compressed or read from a Blob. */
    readonly _state: number;
    readonly _queue: readonly unknown[];
    /** False while a message is sent in fragments. */
    readonly _firstFragment: boolean;
  };
  readonly _extensions: Readonly<Record<string, DeflateInternals | undefined>>;
}

/** permessage-deflate as negotiated, in the terms of RFC 7692 section 7.1. */
export interface DeflateInternals {
  readonly params: {
    readonly server_no_context_takeover?: boolean;
    readonly server_max_window_bits?: number;
  };
}

/** The process runs without the fast paths: for comparing, and for finding out whether they are at fault. */
const isSwitchedOff = process.env["SPRY_WS_FAST_PATHS"] === "off";

/** What the fast paths work beside; undefined where there are none. */
export function internalsOf(websocket: WebSocket): WebSocketInternals | undefined {
  return isSwitchedOff ? undefined : knownInternalsOf(websocket);
}

/** Undefined where `ws` is not what is known here: another version, or a runtime's own implementation (Bun). */
export function knownInternalsOf(websocket: WebSocket): WebSocketInternals | undefined {
  const { _socket, _receiver, _sender, _extensions } = websocket as unknown as Partial<WebSocketInternals>;
  const isKnown =
    typeof _socket?.write === "function" &&
    _receiver?.errored !== undefined &&
    typeof _sender?._state === "number" &&
    Array.isArray(_sender._queue) &&
    typeof _sender._firstFragment === "boolean" &&
    typeof _extensions === "object";
  return isKnown ? (websocket as unknown as WebSocketInternals) : undefined;
}
