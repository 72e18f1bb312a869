import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type Duplex, Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { hasNativeHttp } from "../runtime.ts";
import { describesBody } from "./headers.ts";
import { type Refusal, toRefusal } from "./refusal.ts";
import type { Rejection } from "./rejection.ts";

/** How long a refused client may take to read its answer and close, in milliseconds. */
export const lingerMs = 1_000;

/** A response for an upgrade request, which Node makes none for. When it has been sent, the connection ends. */
export function createResponse(request: IncomingMessage, socket: Duplex): ServerResponse {
  const response = hasNativeHttp ? createDetached(request) : new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as Socket);
  response.on("finish", lingerAfter);
  return response;
}

/**
 * Made of the parts it looks at and not of the request: Bun's response would take the request's native handle and write past
 * the socket, so that the 101 could not be held back.
 */
function createDetached(request: IncomingMessage): ServerResponse {
  const { method, headers, httpVersionMajor, httpVersionMinor } = request;
  const parts = { method, headers, httpVersionMajor, httpVersionMinor };
  return Object.assign(new ServerResponse(parts as IncomingMessage), { req: request });
}

function lingerAfter(this: ServerResponse): void {
  if (this.socket) linger(this.socket);
}

/** Sends an answer of core's own. */
export function reject(response: ServerResponse, rejection: Rejection): void {
  if (response.headersSent || response.destroyed) response.socket?.destroy();
  else void writeRefusal(response, toRefusal(rejection));
}

/**
 * Sends a refusal through a plain Node response. What middleware has set of the same name gives way, but for cookies; and so does
 * what it has set for a body of its own. Never rejects: where the body fails, the socket ends with it. */
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
 * Takes the response off the socket, and lets what is written to it go into `sink`: everything that waits for it
 * (loggers, sessions, the framework) sees it finish, and nothing of it reaches the client.
 */
export function divert(response: ServerResponse, sink: Writable = dropAll()): void {
  response.removeListener("finish", lingerAfter);
  if (response.socket) response.detachSocket(response.socket);
  sink.on("error", ignoreError); // `response.destroy(error)` destroys it with that error.
  response.assignSocket(sink as unknown as Socket);
  // Its closing makes Node emit the response's `close`, which stream.finished() and frameworks wait for.
  response.once("finish", () => sink.end());
}

/**
 * Takes the response off the socket for good: it emits `close`, what is written to it is dropped, and streams that go into it
 * stop, as where a client has gone.
 */
export function abandon(response: ServerResponse): void {
  const sink = dropAll();
  divert(response, sink);
  sink.destroy();
}

/**
 * Ends a connection so that the client gets the whole answer: destroying a socket that has unread data resets it, and a
 * reset can overtake the answer.
 */
export function linger(socket: Duplex): void {
  socket.resume();
  socket.end();
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once("close", () => clearTimeout(timer));
}

/** The `error` listener of a socket during its handshake, and of what stands in for it. */
export function ignoreError(): void {}

function dropAll(): Writable {
  return new Writable({ decodeStrings: false, write: (_chunk, _encoding, done) => done() });
}
