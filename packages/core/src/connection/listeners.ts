import type { WebSocket } from "ws";
import { Message } from "../message.ts";
import type { Connection } from "./connection.ts";
import { FrameReader } from "./frame-reader.ts";

/**
 * Where `ws`'s WebSocket, its receiver and the socket keep their connection and reader: so that all connections share the
 * listeners below, and an idle one costs no closures.
 */
const kConnection = Symbol("spry-ws connection");
const kReader = Symbol("spry-ws reader");

interface Tagged {
  [kConnection]: Connection;
  [kReader]: FrameReader;
}

/** Listens to the events of a WebSocket, and reads plain frames past `ws` where that is possible. */
export function listen(connection: Connection): void {
  const { websocket, options, outbound } = connection;
  Object.assign(websocket, { [kConnection]: connection });
  websocket.on("message", onMessage);
  websocket.on("error", onError);
  websocket.on("close", onClose);
  websocket.on("pong", onPong);
  if (options.rateLimit) websocket.on("ping", onPing);

  if (!outbound.internals) return;
  const { _receiver: receiver, _socket: socket } = outbound.internals;
  Object.assign(receiver, { [kConnection]: connection });
  // `ws` answers a close frame and an error at once: with what was sent before them in front.
  receiver.prependListener("conclude", beforeAnswer);
  receiver.prependListener("error", beforeAnswer);

  // Not with extensions: what they compress would be overtaken.
  const listeners = socket.listeners("data");
  const [listener] = listeners as ((chunk: Buffer) => void)[];
  if (websocket.extensions !== "" || listeners.length !== 1 || !listener) return;
  const reader = new FrameReader(connection, socket, receiver, listener);
  Object.assign(receiver, { [kReader]: reader });
  Object.assign(socket, { [kReader]: reader });
  socket.removeListener("data", listener);
  socket.on("data", onData);
  socket.prependListener("close", onSocketClose);
}

function onMessage(this: WebSocket & Partial<Tagged>, data: Buffer, isBinary: boolean): void {
  const connection = (this as unknown as Tagged)[kConnection];
  connection.scope.runInAsyncScope(connection.receive, connection, new Message(data, !isBinary));
}

function onError(this: WebSocket, error: Error): void {
  (this as unknown as Tagged)[kConnection].violated(error);
}

function onClose(this: WebSocket, code: number, reason: Buffer): void {
  (this as unknown as Tagged)[kConnection].ended(code, reason.toString("utf8"));
}

function onPong(this: WebSocket): void {
  (this as unknown as Tagged)[kConnection].ponged();
}

function onPing(this: WebSocket, data: Buffer): void {
  (this as unknown as Tagged)[kConnection].limit(data.length);
}

function beforeAnswer(this: Tagged): void {
  this[kConnection].outbound.flush();
  this[kReader]?.end();
}

function onData(this: Tagged, chunk: Buffer): void {
  const reader = this[kReader];
  reader.connection.scope.runInAsyncScope(reader.read, reader, chunk);
}

/** What a destroyed socket has not delivered: `ws` would read it without the beginning that the reader keeps. */
function onSocketClose(this: Tagged & NodeJS.ReadStream): void {
  const rest: Buffer | null =
    this.readableLength > 0 && !this.readableEnded ? (this.read() as Buffer | null) : null;
  if (rest) onData.call(this, rest);
}
