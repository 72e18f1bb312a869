import type { IncomingMessage, ServerResponse } from "node:http";
import type { Application, Request } from "express";

/** The properties that Express and its router add to every request. */
const onRequest: Record<PropertyKey, undefined> = {
  res: undefined,
  next: undefined,
  originalUrl: undefined,
  baseUrl: undefined,
  params: undefined,
  route: undefined,
  _parsedUrl: undefined,
};

/** The properties that they add to every response. 200 is Node's own default. */
const onResponse = { locals: undefined, statusCode: 200, statusMessage: undefined };

/** The router keeps the route it has matched under a symbol of its own, which only a request that has passed it can show. */
const routersSymbol = "router.tracing.matchedRoute";

/** The apps whose router is known. */
const learned = new WeakSet<Application>();

/** Looks at the first request that an app's router has given to a handler, for what `prepare` has to add to the next ones. */
export function learn(request: Request): void {
  if (learned.has(request.app)) return;
  learned.add(request.app);
  for (const symbol of Object.getOwnPropertySymbols(request)) {
    if (symbol.description === routersSymbol) onRequest[symbol] = undefined;
  }
}

/**
 * Adds Express's properties to the request and response of a handshake before Express changes their prototypes. Up to Node 22, V8
 * gives an object a hidden class of its own with the first property that is added after that, and then every access is slow.
 */
export function prepare(request: IncomingMessage, response: ServerResponse): void {
  Object.assign(request, onRequest);
  Object.assign(response, onResponse);
}
