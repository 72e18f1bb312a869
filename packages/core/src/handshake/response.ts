import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type Duplex, Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { hasNativeHttp } from "../runtime.ts";
import { describesBody } from "./headers.ts";
import { type Refusal, toRefusal } from "./refusal.ts";
import type { Rejection } from "./rejection.ts";
import { Unsent } from "./unsent.ts";

/** How long a refused client may take to read its answer and close, in milliseconds. */
export const lingerMs = 1_000;

/** Makes a response for an upgrade request, as Node makes none. When it has been sent, the connection ends. */
export function createResponse(request: IncomingMessage, socket: Duplex): ServerResponse {
  const response = hasNativeHttp ? createDetached(request) : new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as Socket);
  response.on("finish", lingerAfter);
  return response;
}

/**
 * A response that is not made of the request itself, but of the members that it reads. On Bun, a response takes the native handle of
 * its request and writes past the socket, so that the 101 could not be held back.
 */
function createDetached(request: IncomingMessage): ServerResponse {
  const { method, headers, httpVersionMajor, httpVersionMinor } = request;
  const parts = { method, headers, httpVersionMajor, httpVersionMinor };
  return Object.assign(new ServerResponse(parts as IncomingMessage), { req: request });
}

function lingerAfter(this: ServerResponse): void {
  const socket: unknown = this.socket;
  if (socket instanceof Unsent) socket.end();
  else if (socket) linger(socket as Socket);
}

/** Sends an answer of core's own. */
export function reject(response: ServerResponse, rejection: Rejection): void {
  if (response.headersSent || response.destroyed) response.socket?.destroy();
  else void writeRefusal(response, toRefusal(rejection));
}

/**
 * Sends a refusal through a plain Node response. Its headers replace those of the same name that middleware has set, except cookies, and
 * those that middleware has set for another body are removed. Never rejects: if the body fails, the socket is destroyed.
 */
export async function writeRefusal(response: ServerResponse, refusal: Refusal): Promise<void> {
  response.statusCode = refusal.status;
  if (refusal.statusText) response.statusMessage = refusal.statusText;
  for (const name of response.getHeaderNames()) if (describesBody(name)) response.removeHeader(name);
  for (const [name, value] of refusal.headers) {
    if (name === "set-cookie") response.appendHeader(name, value);
    else response.setHeader(name, value);
  }
  if (refusal.body instanceof Readable) await pipeline(refusal.body, response).catch(() => {});
  else response.end(refusal.body ?? undefined);
}

/**
 * Takes the response off the socket, and puts it on `sink`, which gets what is written to it. Everything that waits for the response
 * (loggers, sessions, the framework) sees it finish, and nothing of it reaches the client.
 */
export function divert(response: ServerResponse, sink: Writable = dropAll()): void {
  response.removeListener("finish", lingerAfter);
  if (response.socket) response.detachSocket(response.socket);
  sink.on("error", ignoreError); // `response.destroy(error)` destroys the sink with that error.
  response.assignSocket(sink as unknown as Socket);
  // When the sink closes, Node emits `close` on the response, which stream.finished() and frameworks wait for.
  response.once("finish", () => sink.end());
}

/**
 * The same for a response that is there, on its socket, and about to end with 101.
 *
 * @param onClose called when the response has closed
 */
export function divertAnswer(response: ServerResponse, onClose: (() => void) | undefined): void {
  // Bun's responses want a socket of its own.
  if (hasNativeHttp) {
    divert(response);
    if (onClose) response.once("close", onClose);
    return;
  }
  if (response.socket) response.detachSocket(response.socket);
  response.assignSocket(new Unsent(onClose) as unknown as Socket);
}

/**
 * Takes the response off the socket for good, as if the client had gone: it emits `close`, what is written to it is dropped, and streams
 * that are piped into it stop.
 */
export function abandon(response: ServerResponse): void {
  const sink = dropAll();
  divert(response, sink);
  sink.destroy();
}

/**
 * Ends a connection so that the client gets the whole answer. To destroy a socket that has unread data would reset the connection, and a
 * reset can overtake the answer.
 */
export function linger(socket: Duplex): void {
  socket.resume();
  socket.end();
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once("close", () => clearTimeout(timer));
}

/** The `error` listener of a socket during its handshake, and of a sink in its place. */
export function ignoreError(): void {}

function dropAll(): Writable {
  return new Writable({ decodeStrings: false, write: (_chunk, _encoding, done) => done() });
}
