import type { IncomingMessage, ServerResponse } from "node:http";

/** What Express and its router put on every request. */
const onRequest = {
  res: undefined,
  next: undefined,
  originalUrl: undefined,
  baseUrl: undefined,
  params: undefined,
  route: undefined,
  _parsedUrl: undefined,
};

/** And on every response; the status is Node's own default. */
const onResponse = { locals: undefined, statusCode: 200, statusMessage: undefined };

/**
 * Puts Express's properties on the request and response of a handshake before Express changes their prototypes. Up to Node 22,
 * V8 gives an object a hidden class of its own with the first property that is added after that, and every later access
 * is a slow one.
 */
export function prepare(request: IncomingMessage, response: ServerResponse): void {
  Object.assign(request, onRequest);
  Object.assign(response, onResponse);
}
