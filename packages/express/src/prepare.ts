import type { IncomingMessage, ServerResponse } from "node:http";

/** The properties that Express and its router add to every request. */
const onRequest = {
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

/**
 * Adds Express's properties to the request and response of a handshake before Express changes their prototypes. Up to Node 22, V8
 * gives an object a hidden class of its own with the first property that is added after that, and then every access is slow.
 */
export function prepare(request: IncomingMessage, response: ServerResponse): void {
  Object.assign(request, onRequest);
  Object.assign(response, onResponse);
}
