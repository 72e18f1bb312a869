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
 * An adapter's middleware calls this for each request. A handshake becomes the instance's: with several instances on one server
 * it belongs to the one whose middleware it has passed last. It also attaches the server where nobody has done so, since
 * `http.createServer(app)` tells an app nothing. Returns true if the caller must not answer the request: it is an upgrade that has
 * to wait for its own `upgrade` event, or it has been refused.
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
  // A neighbour would have got the upgrade, so this is none.
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
 * Node hands an upgrade to `request` as long as the server has no `upgrade` listener. There is one now, but for this
 * request the choice has been made; setting `request.upgrade` back, while the HTTP parser is still at its headers, makes
 * Node take the parser off the socket and emit `upgrade` as it would have done.
 */
function takeOver(
  instance: HandshakeOwner,
  { server, adopted }: AttachedServer,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  // Behind a request that is not answered yet, Node has no place to take the handshake from.
  if (response.socket !== request.socket) {
    refuseFirst(instance, response);
    return;
  }
  adopted.set(request, response);
  (request as { upgrade?: boolean }).upgrade = true;
  if (hasNativeHttp) {
    // No parser sees that; but the socket can be taken over as it is, when the adapter has put the request in order.
    queueMicrotask(() => server.emit("upgrade", request, request.socket, Buffer.alloc(0)));
    return;
  }
  setImmediate(() => {
    if (!adopted.delete(request)) return;
    // Middleware before spryWs() was asynchronous, so the parser had gone on.
    (request as { upgrade?: boolean }).upgrade = false;
    refuseFirst(instance, response);
  });
}

/** The target before Express (or Connect) took the path of a mount off it. */
function originalTarget(request: IncomingMessage & { readonly originalUrl?: string }): string {
  return request.originalUrl ?? request.url ?? "/";
}

/** The server could not be learnt in time. Only the first request of a server can come here. */
function refuseFirst(instance: HandshakeOwner, response: ServerResponse): void {
  reject(response, notReady);
  const text =
    "The first WebSocket handshake came before spryWs() knew the server. Call attach(server) on what spryWs() returned, " +
    "or put spryWs() before asynchronous middleware";
  instance.report(createError("SPRY_WS_NOT_REGISTERED", text), { stage: "handshake" });
}
