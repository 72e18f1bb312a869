import type { AsyncResource } from "node:async_hooks";
import type { EventEmitter } from "node:events";
import type { Writable } from "node:stream";
import type { RawData, WebSocket } from "ws";
import { listenSparingly, shareNoExtensions } from "../frames/spare-engine.ts";
import { internalsOf, knownInternalsOf } from "../frames/ws-internals.ts";
import { Message } from "../message.ts";
import type { ResolvedOptions } from "../options/resolve-options.ts";
import type { EngineListener, FrameReader } from "./frame-reader.ts";

/** A connection, as the events of `ws` see it. */
export interface Listening {
  readonly websocket: WebSocket;
  readonly options: ResolvedOptions;
  readonly reader: FrameReader | undefined;
  /** The request's async context, which everything that calls hooks is entered through. */
  readonly scope: AsyncResource;
  read(chunk: Buffer, listener: EngineListener): void;
  receive(message: Message, size?: number, fragments?: readonly Buffer[]): void;
  limit(size: number): boolean;
  flush(): void;
  ponged(size: number): void;
  violated(error: Error): void;
  ended(code: number, reason: string): void;
}

/**
 * Where `ws`'s WebSocket, its receiver and the socket keep their connection: so that all connections share the listeners
 * below, and an idle one costs no closures.
 */
const kConnection = Symbol("spry-ws connection");

interface Tagged {
  [kConnection]: Listening;
}

/** By an assignment: Object.assign with a name that is computed costs several times as much. */
function tag(emitter: object, connection: Listening): void {
  (emitter as Tagged)[kConnection] = connection;
}

type Listener = Parameters<EventEmitter["on"]>[1];

/** Where Node keeps listeners. To remove one and add another takes ten times as long. */
interface Emitting {
  readonly _events?: Record<string, Listener | Listener[] | undefined>;
}

/** What `ws` listens with: the same functions on all its sockets and receivers. */
const engine: Partial<Record<"data" | "close" | "message" | "pong" | "conclude" | "error", Listener>> = {};

/** Listens to the events of a WebSocket, and reads its frames before `ws` where that is possible. */
export function listen(connection: Listening): void {
  const { websocket, options } = connection;
  tag(websocket, connection);
  shareNoExtensions(websocket);
  listenSparingly(websocket, onError, onClose);
  if (options.rateLimit) websocket.on("ping", onPing);
  listenToReceiver(connection);

  const { _socket: socket, _receiver: receiver } = knownInternalsOf(websocket) ?? {};
  if (receiver && websocket.extensions !== "") receiver._write = writeUnlessErrored;
  if (!socket || !replaceListener(socket, "data", onData)) return;
  tag(socket, connection);
  if (!replaceListener(socket, "close", onSocketClose, true))
    socket.prependListener("close", beforeSocketClose);
}

function listenToReceiver(connection: Listening): void {
  const { websocket } = connection;
  const internals = internalsOf(websocket);
  if (!internals) {
    websocket.on("message", onMessage);
    websocket.on("pong", onPong);
    return;
  }
  const { _receiver: receiver } = internals;
  tag(receiver, connection);
  if (!replaceListener(receiver, "message", onMessage)) websocket.on("message", onMessage);
  if (!replaceListener(receiver, "pong", onReceiverPong)) websocket.on("pong", onPong);
  if (!replaceListener(receiver, "conclude", onConclude)) receiver.prependListener("conclude", beforeAnswer);
  if (!replaceListener(receiver, "error", onReceiverError)) receiver.prependListener("error", beforeAnswer);
}

/**
 * Puts `listener` in the place of that of `ws`, which it has to call: two of them would cost an array for each idle peer.
 * False, with nothing changed, where `ws` does not listen as it is known to, or not alone.
 *
 * @param others whether there may be others before it: `ws` has come last, as it has only just begun to listen
 */
function replaceListener(
  emitter: EventEmitter,
  event: keyof typeof engine,
  listener: Listener,
  others = false,
): boolean {
  const events = (emitter as Emitting)._events;
  const listeners = events?.[event];
  const isList = Array.isArray(listeners);
  const theirs = isList ? listeners.at(-1) : listeners;
  if (!events || !theirs || (isList && listeners.length > 1 && !others)) return false;
  engine[event] ??= theirs;
  if (theirs !== engine[event]) return false;
  if (isList) listeners[listeners.length - 1] = listener;
  else events[event] = listener;
  return true;
}

/** Also in place of what `ws` does when its receiver has read a message: the connection tells those who listen for it. */
function onMessage(this: WebSocket | Tagged, data: RawData, isBinary: boolean): void {
  const connection = (this as Tagged)[kConnection];
  const fragments = Array.isArray(data) ? data : undefined;
  const message = Message.received(toBytes(data), !isBinary);
  connection.scope.runInAsyncScope(connection.receive, connection, message, message.byteLength, fragments);
}

function toBytes(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}

/**
 * In place of `_write` of a receiver that inflates: what comes meanwhile waits, and is read also behind a frame that was found
 * to be wrong. `ws` would do so in the state of that frame, and throw out of zlib's callback: the process would end.
 */
function writeUnlessErrored(this: Writable, ...args: Parameters<Writable["_write"]>): void {
  if (this.errored) args[2]();
  else Reflect.apply(Object.getPrototypeOf(this)._write, this, args);
}

function onError(this: WebSocket, error: Error): void {
  (this as unknown as Tagged)[kConnection].violated(error);
}

function onClose(this: WebSocket, code: number, reason: Buffer): void {
  (this as unknown as Tagged)[kConnection].ended(code, reason.toString("utf8"));
}

function onPong(this: WebSocket, data: Buffer): void {
  (this as unknown as Tagged)[kConnection].ponged(data.length);
}

function onReceiverPong(this: Tagged, ...args: [data: Buffer]): void {
  this[kConnection].ponged(args[0].length);
  Reflect.apply(engine.pong as Listener, this, args);
}

function onPing(this: WebSocket, data: Buffer): void {
  (this as unknown as Tagged)[kConnection].limit(data.length);
}

function onConclude(this: Tagged, ...args: unknown[]): void {
  beforeAnswer.call(this);
  Reflect.apply(engine.conclude as Listener, this, args);
}

function onReceiverError(this: Tagged, ...args: unknown[]): void {
  beforeAnswer.call(this);
  Reflect.apply(engine.error as Listener, this, args);
}

/** `ws` answers a close frame and an error at once. What was sent before must come first. */
function beforeAnswer(this: Tagged): void {
  this[kConnection].flush();
  this[kConnection].reader?.end();
}

function onData(this: Tagged, chunk: Buffer): void {
  const connection = this[kConnection];
  connection.scope.runInAsyncScope(connection.read, connection, chunk, engine.data as EngineListener);
}

function onSocketClose(this: Tagged & NodeJS.ReadStream, ...args: unknown[]): void {
  beforeSocketClose.call(this);
  Reflect.apply(engine.close as Listener, this, args);
}

/** Reads what a destroyed socket has not delivered. `ws` would read it without the beginning, which the reader keeps. */
function beforeSocketClose(this: Tagged & NodeJS.ReadStream): void {
  const rest: Buffer | null =
    this.readableLength > 0 && !this.readableEnded ? (this.read() as Buffer | null) : null;
  if (rest) onData.call(this, rest);
}
