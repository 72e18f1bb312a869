import { ServerResponse } from "node:http";
import { createError } from "../errors.ts";
import { completeHandshake } from "./complete.ts";
import { type Handshake, noCookies } from "./handshake.ts";
import { withClose } from "./headers.ts";
import { mayBeForNeighbours, offerToNeighbours } from "./neighbours.ts";
import { pathOf } from "./path.ts";
import { internalError, type Rejection } from "./rejection.ts";
import { abandon, createResponse, divert, divertAnswer, reject } from "./response.ts";
import { showRefusal, speakerToShow } from "./show-refusal.ts";

/** The handshake that a response answers, until it has. */
const kHandshake = Symbol("spry-ws handshake");

interface Answering extends ServerResponse {
  [kHandshake]: Handshake | undefined;
}

const { prototype } = ServerResponse;

/**
 * Makes "101" on the framework's response mean: accept. When a response with status 101 ends, core writes the handshake to
 * the socket itself and lets the response end into nothing. Any other status is an ordinary response.
 *
 * The methods are put on the instance, as Express replaces the response's prototype; and `end` calls the instance's
 * `writeHead`, as sessions and the like wrap that to add their headers at the last moment.
 */
export function interceptAnswer(handshake: Handshake, response: ServerResponse): void {
  (response as Answering)[kHandshake] = handshake;
  response.writeHead = writeHead as ServerResponse["writeHead"];
  response.write = write as ServerResponse["write"];
  response.end = end as ServerResponse["end"];
}

function writeHead(this: Answering, status: number, ...rest: unknown[]): ServerResponse {
  const handshake = this[kHandshake];
  if (handshake && status === 101) {
    const cookies = cookiesIn(rest.at(-1));
    if (cookies.length > 0) handshake.cookies = [...handshake.cookies, ...cookies];
  } else if (handshake) {
    answerElsewhere(handshake, this, status, rest);
    if (this.hasHeader("connection")) this.setHeader("Connection", withClose(this.getHeader("connection")));
    rest = rest.map(withCloseIn);
  }
  return Reflect.apply(prototype.writeHead, this, [status, ...rest]);
}

function write(this: Answering, ...args: unknown[]): boolean {
  if (this.statusCode !== 101) return Reflect.apply(prototype.write, this, args);
  callbackIn(args)?.(); // A 101 has no body.
  return true;
}

function end(this: Answering, ...args: unknown[]): ServerResponse {
  const handshake = this[kHandshake];
  if (this.statusCode === 101 && this.writableEnded) return this;
  if (!handshake) return Reflect.apply(prototype.end, this, args);
  if (this.statusCode !== 101) {
    if (!this.headersSent) answerElsewhere(handshake, this, this.statusCode);
    if (handshake.isPending) handshake.instance.handshakes.notices.ordinaryAnswer(handshake, this.statusCode);
    handshake.end(handshake.refusalReason);
    // Answered elsewhere, or the client has gone: it finishes all the same, for what waits for that (Fastify's onResponse).
    if (this.destroyed) divert(this);
    return Reflect.apply(prototype.end, this, args);
  }
  if (!handshake.acceptance && handshake.isPending) {
    refuseUnrouted(handshake);
  } else if (!this.headersSent) {
    this.writeHead(101);
  }
  const cookies = cookiesFor(handshake, this);
  const release = handshake.acceptance?.release;
  if (this.destroyed) {
    divert(this);
    if (release) this.once("close", release);
  } else if (this.socket === handshake.socket) divertAnswer(this, release);
  else if (release) this.once("close", release);
  Reflect.apply(prototype.end, this, [callbackIn(args)]);
  this[kHandshake] = undefined;
  completeHandshake(handshake, cookies);
  return this;
}

/**
 * The answer may be for the neighbours to give, or be shown: then the framework's goes nowhere.
 *
 * @param given what `writeHead` is given behind the status
 */
function answerElsewhere(
  handshake: Handshake,
  response: ServerResponse,
  status: number,
  given: readonly unknown[] = [],
): void {
  if (mayBeForNeighbours(handshake, status)) {
    offerToNeighbours(handshake, response, status);
    return;
  }
  const speaker = speakerToShow(handshake, status);
  if (!speaker) return;
  divert(response);
  // Node's types have no undefined here.
  const own: string | undefined = response.statusMessage;
  const statusText = typeof given[0] === "string" ? given[0] : (own ?? "");
  const retryAfter = new Map(entriesOf(given.at(-1))).get("retry-after") ?? response.getHeader("retry-after");
  const shown = { status, text: handshake.refusalText || statusText, retryAfter };
  showRefusal(handshake, speaker, shown, response);
}

/**
 * Answers a pending handshake in the framework's place.
 *
 * @param release what happens to the framework's response: for a framework that is still at work it is as if the client had gone
 */
export function answerInstead(
  handshake: Handshake,
  rejection: Rejection,
  release: (response: ServerResponse) => void = abandon,
): void {
  const { response, request, socket } = handshake;
  if (!response || !handshake.isPending) {
    handshake.end("aborted"); // The client has gone; nothing if the handshake has ended already.
    return;
  }
  if (response.headersSent) {
    handshake.end(rejection.reason);
    socket.destroy();
    return;
  }
  handshake.refusalReason = rejection.reason;
  const { status, message, headers } = rejection;
  const speaker = isOfClient(rejection) ? undefined : speakerToShow(handshake, status);
  release(response);
  if (speaker) {
    showRefusal(handshake, speaker, { status, text: message, retryAfter: headers?.["Retry-After"] });
    return;
  }
  handshake.end(rejection.reason);
  reject(createResponse(request, socket), rejection);
}

/** It was no handshake that could be accepted, or not for any instance. */
function isOfClient({ reason }: Rejection): boolean {
  return reason === "invalid" || reason === "path";
}

/** Something other than a `ws(hooks)` handler answered 101: there are no hooks this connection could have. */
function refuseUnrouted(handshake: Handshake): void {
  const text = `${pathOf(handshake.target)} was answered with 101, but no ws(hooks) handler accepted the handshake; mount ws(hooks) there`;
  handshake.instance.report(createError("SPRY_WS_UNROUTED", text), { stage: "handshake" });
  answerInstead(handshake, internalError, divert);
}

/** An argument of `writeHead`, for an answer behind which the connection ends. Node says so, unless the app has a header for it. */
function withCloseIn(headers: unknown): unknown {
  if (typeof headers !== "object" || headers === null || Array.isArray(headers)) return headers;
  const name = Object.keys(headers).find((name) => name.toLowerCase() === "connection");
  return name === undefined ? headers : { ...headers, [name]: withClose(Reflect.get(headers, name)) };
}

function callbackIn(args: unknown[]): (() => void) | undefined {
  if (args.length === 0) return undefined;
  return args.find((argument) => typeof argument === "function") as (() => void) | undefined;
}

/** Each once: a header given to `writeHead` may be on the response too. */
function cookiesFor(handshake: Handshake, response: ServerResponse): readonly string[] {
  const header = response.getHeader("set-cookie");
  if (header === undefined) return handshake.cookies;
  const cookies = [header].flat().map(String);
  return [...handshake.cookies.filter((cookie) => !cookies.includes(cookie)), ...cookies];
}

/** `Set-Cookie` among the headers given to `writeHead`, which Node keeps only in some cases. */
function cookiesIn(headers: unknown): readonly string[] {
  if (typeof headers !== "object") return noCookies;
  return entriesOf(headers)
    .filter(([name]) => name === "set-cookie")
    .flatMap(([, value]) => [value].flat().map(String));
}

/** The headers given to `writeHead`: an object, a list of pairs or a flat list. Their names are in lower case. */
function entriesOf(headers: unknown): [name: string, value: unknown][] {
  if (typeof headers !== "object" || headers === null) return [];
  const entries: unknown[][] = Array.isArray(headers)
    ? Array.isArray(headers[0])
      ? headers
      : headers.flatMap((name, i) => (i % 2 === 0 ? [[name, headers[i + 1]]] : []))
    : Object.entries(headers);
  return entries.map(([name, value]) => [String(name).toLowerCase(), value]);
}
