import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type Duplex, Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createError } from "../errors.ts";
import { completeHandshake } from "./complete.ts";
import type { Handshake } from "./handshake.ts";
import { type Refusal, toRefusal } from "./refusal.ts";
import type { Rejection } from "./validate.ts";

/** How long a refused client may take to read its answer and close, in milliseconds. */
const lingerMs = 1_000;

/** A response for an upgrade request, which Node makes none for. When it has been sent, the connection ends. */
export function createResponse(request: IncomingMessage, socket: Duplex): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as Socket);
  response.on("finish", () => {
    if (response.socket === socket) linger(socket);
  });
  return response;
}

/** Sends an answer of core's own. */
export function reject(response: ServerResponse, rejection: Rejection): void {
  if (response.headersSent || response.destroyed) response.socket?.destroy();
  else void writeRefusal(response, toRefusal(rejection));
}

/** Sends a refusal through a plain Node response. Never rejects: where the body fails, the socket ends with it. */
export async function writeRefusal(response: ServerResponse, refusal: Refusal): Promise<void> {
  response.statusCode = refusal.status;
  response.statusMessage = refusal.statusText;
  for (const [name, value] of refusal.headers) response.appendHeader(name, value);
  if (refusal.body instanceof Readable) await pipeline(refusal.body, response).catch(() => {});
  else response.end(refusal.body ?? undefined);
}

/**
 * Makes "101" on this response mean: accept. When a response with status 101 ends, core writes the handshake to the socket
 * itself, and lets the response end into nothing, so that everything that waits for it (loggers, sessions, the
 * framework) sees a finished 101. Any other status is an ordinary response.
 *
 * The methods are put on the instance, as Express replaces the response's prototype; and `end` calls the instance's
 * `writeHead`, as sessions and the like wrap that to add their headers at the last moment.
 */
export function answerHandshake(handshake: Handshake, response: ServerResponse): void {
  const { writeHead, write, end } = response;
  const setCookie: string[] = [];

  response.writeHead = function (this: ServerResponse, status: number, ...rest: unknown[]) {
    if (status === 101) setCookie.push(...cookiesIn(rest.at(-1)));
    return Reflect.apply(writeHead, this, [status, ...rest]);
  } as typeof writeHead;

  response.write = function (this: ServerResponse, ...args: unknown[]) {
    if (this.statusCode !== 101) return Reflect.apply(write, this, args);
    callbackIn(args)?.(); // A 101 has no body.
    return true;
  } as typeof write;

  response.end = function (this: ServerResponse, ...args: unknown[]) {
    if (this.statusCode !== 101) {
      handshake.end();
      return Reflect.apply(end, this, args);
    }
    if (this.writableEnded) return this;
    if (!handshake.acceptance && handshake.isPending) return refuseUnrouted(handshake, this, end);
    if (!this.headersSent) this.writeHead(101);
    const cookies = [this.getHeader("set-cookie") ?? []].flat().map(String);
    finishIntoNothing(this, () => Reflect.apply(end, this, [callbackIn(args)]));
    completeHandshake(handshake, [...setCookie.filter((cookie) => !cookies.includes(cookie)), ...cookies]);
    return this;
  } as typeof end;
}

/** Something other than a `ws(hooks)` handler answered 101: there are no hooks this connection could have. */
function refuseUnrouted(
  handshake: Handshake,
  response: ServerResponse,
  end: ServerResponse["end"],
): ServerResponse {
  handshake.instance.report(
    createError(
      "SPRY_WS_UNROUTED",
      `${handshake.target} was answered with 101, but no ws(hooks) handler accepted the handshake; mount ws(hooks) there`,
    ),
    { stage: "handshake" },
  );
  handshake.end();
  response.end = end;
  reject(response, { status: 500, message: "Internal Server Error" });
  return response;
}

/** Takes the response off the socket, which is the WebSocket's from now on, and ends it into a stream that drops all. */
function finishIntoNothing(response: ServerResponse, end: () => void): void {
  const nothing = new Writable({ write: (_chunk, _encoding, done) => done() });
  if (response.socket) response.detachSocket(response.socket);
  response.assignSocket(nothing as unknown as Socket);
  // Its closing makes Node emit the response's `close`, which stream.finished() and frameworks wait for.
  response.once("finish", () => nothing.destroy());
  end();
}

/**
 * Ends a connection so that the client gets the whole answer: destroying a socket that has unread data resets it, and a
 * reset can overtake the answer.
 */
function linger(socket: Duplex): void {
  socket.resume();
  socket.end();
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once("close", () => clearTimeout(timer));
}

function callbackIn(args: unknown[]): (() => void) | undefined {
  return args.find((argument) => typeof argument === "function") as (() => void) | undefined;
}

/** `Set-Cookie` among the headers given to `writeHead`, which Node keeps only in some cases: an object or a flat list. */
function cookiesIn(headers: unknown): string[] {
  if (typeof headers !== "object" || headers === null) return [];
  const entries = Array.isArray(headers)
    ? Array.isArray(headers[0])
      ? headers
      : headers.flatMap((name, i) => (i % 2 === 0 ? [[name, headers[i + 1]]] : []))
    : Object.entries(headers);
  return entries
    .filter(([name]) => String(name).toLowerCase() === "set-cookie")
    .flatMap(([, value]) => [value].flat().map(String));
}
