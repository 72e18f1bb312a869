import type { IncomingMessage, ServerResponse } from "node:http";
import type { Application, Request } from "express";

/** The properties that Express and its router add to every request. */
type Added = "res" | "next" | "originalUrl" | "baseUrl" | "params" | "route" | "_parsedUrl";

/** The router of Express 5 keeps the route it has matched under a symbol of its own, which only a request that has passed it can show. */
let matchedRoute: symbol | undefined;

/** The apps whose router is known. */
const learned = new WeakSet<Application>();

/** Looks at the first request that an app's router has given to a handler, for what `prepare` has to add to the next ones. */
export function learn(request: Request): void {
  if (learned.has(request.app)) return;
  learned.add(request.app);
  const symbols = Object.getOwnPropertySymbols(request);
  matchedRoute ??= symbols.find(({ description }) => description === "router.tracing.matchedRoute");
}

/**
 * Adds Express's properties to the request and response of a handshake before Express changes their prototypes. Up to Node 22, V8
 * gives an object a hidden class of its own with the first property that is added after that, and then every access is slow.
 *
 * One by one, since Object.assign takes ten times as long. 200 is Node's own default.
 */
export function prepare(request: IncomingMessage, response: ServerResponse): void {
  const onRequest = request as IncomingMessage & Record<Added | symbol, unknown>;
  onRequest.res = undefined;
  onRequest.next = undefined;
  onRequest.originalUrl = undefined;
  onRequest.baseUrl = undefined;
  onRequest.params = undefined;
  onRequest.route = undefined;
  onRequest._parsedUrl = undefined;
  if (matchedRoute) onRequest[matchedRoute] = undefined;
  const onResponse = response as { locals?: unknown; statusCode: number; statusMessage: unknown };
  onResponse.locals = undefined;
  onResponse.statusCode = 200;
  onResponse.statusMessage = undefined;
}
