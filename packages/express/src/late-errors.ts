import { acceptedBy } from "@spry-ws/core/adapter";
import type { Application, ErrorRequestHandler, Request } from "express";

/** The apps that have `takeLateError` already. */
const prepared = new WeakSet<Application>();

/**
 * Keeps errors that come after the 101 away from the open WebSocket: a session store that cannot save, middleware that calls
 * `next(error)` late. Express's final handler destroys `request.socket` if the response has been sent already. So the outermost app gets
 * one more error handler. It is added with the first handshake, after the app's own error handlers, which are therefore called first.
 */
export function keepFromLateErrors(app: Application): void {
  let root: Application & { readonly parent?: Application } = app;
  while (root.parent) root = root.parent;
  if (prepared.has(root)) return;
  prepared.add(root);
  root.use(takeLateError);
}

const takeLateError: ErrorRequestHandler = (error, request, _response, next) => {
  const instance = acceptedBy(request);
  if (!instance) return next(error);
  instance.report(error, { stage: "handshake" }, (error) => logError(request, error));
};

/** Logs an error as Express's own final handler does (https://expressjs.com/en/guide/error-handling.html). */
export function logError(request: Request, error: unknown): void {
  if (request.app.get("env") !== "test") console.error(error);
}
