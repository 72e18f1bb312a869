import type { EventEmitter } from "node:events";
import type { WebSocket } from "ws";
import { knownInternalsOf } from "./ws-internals.ts";

type Listener = Parameters<EventEmitter["on"]>[1];

/** The parts of a WebSocket of `ws` that are replaced by smaller ones. */
interface Replaceable {
  _extensions: object;
  _events?: object;
  _eventsCount?: number;
}

/** For all WebSockets without extensions. */
const noExtensions: object = Object.freeze({});

/**
 * The listeners of an emitter, as Node keeps them in `_events`. Node's own object for them has no prototype, which V8 makes a hash table
 * of: 180 bytes for two listeners, where an object of a class takes 40. Node replaces it when all listeners are removed.
 */
class Listeners {
  readonly error: Listener;
  readonly close: Listener;

  constructor(error: Listener, close: Listener) {
    this.error = error;
    this.close = close;
  }
}

// Events may have any name: none is inherited.
Object.setPrototypeOf(Listeners.prototype, null);
Reflect.deleteProperty(Listeners.prototype, "constructor");

/** Listens to the two events that every WebSocket is listened to for, with as little memory as that takes. */
export function listenSparingly(websocket: WebSocket, error: Listener, close: Listener): void {
  const { _events, _eventsCount } = websocket as unknown as Replaceable;
  if (knownInternalsOf(websocket) && typeof _events === "object" && _eventsCount === 0) {
    Object.assign(websocket, { _events: new Listeners(error, close), _eventsCount: 2 });
    return;
  }
  websocket.on("error", error);
  websocket.on("close", close);
}

/** Each WebSocket has an object for the extensions that were negotiated, which mostly are none. */
export function shareNoExtensions(websocket: WebSocket): void {
  const internals = knownInternalsOf(websocket);
  if (!internals || websocket.extensions !== "") return;
  const { _receiver, _sender, _extensions } = internals;
  for (const part of [websocket, _receiver, _sender] as unknown as Replaceable[]) {
    if (part._extensions === _extensions) part._extensions = noExtensions;
  }
}
