import type { IncomingMessage, ServerResponse } from "node:http";
import { createError } from "../errors.ts";
import { hasNativeHttp } from "../runtime.ts";
import { AttachedServer, isServer } from "./attached-server.ts";
import { isUnhandledUpgrade } from "./find.ts";
import { Handshake, type HandshakeOwner } from "./handshake.ts";
import { matchesPath } from "./path.ts";
import { notReady, shuttingDown } from "./rejection.ts";
import { reject } from "./response.ts";

/**
 * An adapter's middleware calls this for each request. A handshake becomes the instance's: with several instances on one server, it
 * belongs to the one whose middleware it has passed last. It also attaches to the server if nobody has done so, since
 * `http.createServer(app)` tells the app nothing of the server.
 *
 * @returns true if the caller must not answer the request: it is an upgrade that will come again with its own `upgrade` event, or it has
 * been refused
 */
export function adoptRequest(
  instance: HandshakeOwner,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  const handshake = Handshake.of(request);
  if (handshake) {
    handshake.isSeen = true;
    const isDecided = handshake.instance === instance && !handshake.isUndecided;
    if (!isDecided && matchesPath(instance.options.path, handshake.target)) handshake.moveTo(instance);
  }
  const { server } = (request.socket ?? {}) as { readonly server?: unknown };
  if (!isServer(server)) return false;
  const attached = AttachedServer.of(server);
  if (attached.instances.has(instance)) return false;
  // With a neighbour, Node would have emitted an upgrade as `upgrade`: then this request is none.
  const { hasNeighbours } = attached;
  instance.attach(server);
  if (handshake || Handshake.acceptedBy(request) || hasNeighbours || !isUnhandledUpgrade(request))
    return false;
  if (!matchesPath(instance.options.path, originalTarget(request))) return false;
  if (instance.isClosing(server)) {
    instance.counters.refused.closing++;
    reject(response, shuttingDown);
    return true;
  }
  takeOver(instance, attached, request, response);
  return true;
}

/**
 * Makes Node emit an upgrade again, as `upgrade`. Node has emitted it as `request`, because the server had no `upgrade` listener then.
 * There is one now. If `request.upgrade` is set to true while the HTTP parser is still at the headers of the request, Node takes the
 * parser off the socket and emits `upgrade`.
 */
function takeOver(
  instance: HandshakeOwner,
  { server, adopted }: AttachedServer,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  // An earlier request of the connection has not been answered: then Node cannot emit this one as `upgrade`.
  if (response.socket !== request.socket) {
    refuseFirst(instance, response);
    return;
  }
  adopted.set(request, response);
  (request as { upgrade?: boolean }).upgrade = true;
  if (hasNativeHttp) {
    // There is no parser that would look at `request.upgrade`, but the socket can be taken as it is, once the adapter has returned.
    queueMicrotask(() => server.emit("upgrade", request, request.socket, Buffer.alloc(0)));
    return;
  }
  setImmediate(() => {
    if (!adopted.delete(request)) return;
    // No `upgrade` came: middleware before spryWs() was asynchronous, and the parser had gone on by then.
    (request as { upgrade?: boolean }).upgrade = false;
    refuseFirst(instance, response);
  });
}

/** The request target as it was sent: Express and Connect take the path of a mount off `request.url`. */
function originalTarget(request: IncomingMessage & { readonly originalUrl?: string }): string {
  return request.originalUrl ?? request.url ?? "/";
}

/** Refuses a handshake that came before the server was known. Only the first request of a server can be such a one. */
function refuseFirst(instance: HandshakeOwner, response: ServerResponse): void {
  reject(response, notReady);
  const text =
    "The first WebSocket handshake came before spryWs() knew the server. Call attach(server) on what spryWs() returned, " +
    "or put spryWs() before asynchronous middleware";
  instance.report(createError("SPRY_WS_NOT_REGISTERED", text), { stage: "handshake" });
}
