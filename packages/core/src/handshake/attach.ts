import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { createError, describe } from "../errors.ts";
import type { Instance } from "../spry-ws.ts";
import { dispatchUpgrade } from "./dispatch.ts";
import { isUnhandledUpgrade } from "./find.ts";
import { createResponse, reject } from "./response.ts";

/** Requests whose upgrade Node gave to `request`, because the server had no `upgrade` listener yet. */
const adopted = new WeakMap<IncomingMessage, ServerResponse>();

/**
 * Listens for upgrades on a server. Doing so twice changes nothing.
 *
 * @throws TypeError `SPRY_WS_SERVER` for what is not a server
 */
export function attachServer(instance: Instance, server: Server): void {
  if (typeof server?.on !== "function" || typeof server.emit !== "function") {
    throw createError(
      "SPRY_WS_SERVER",
      `attach(server) takes the server of http.createServer(), https.createServer() or app.listen(), not ${describe(server)}`,
    );
  }
  if (instance.servers.has(server)) return;
  instance.servers.add(server);
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    adopted.get(request)?.detachSocket(request.socket);
    adopted.delete(request);
    dispatchUpgrade(instance, server, request, socket, head);
  });
}

/**
 * Learns the server from a request, where nobody attached it: `http.createServer(app)` tells an app nothing. Returns true
 * if the request is an upgrade that has to wait for its own `upgrade` event: the caller must not answer it.
 *
 * Node hands an upgrade to `request` as long as the server has no `upgrade` listener. There is one now, but for this
 * request the choice has been made; setting `request.upgrade` back, while the HTTP parser is still at its headers, makes
 * Node take the parser off the socket and emit `upgrade` as it would have done.
 */
export function adoptRequest(
  instance: Instance,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  const server = (request.socket as { server?: Server } | null)?.server;
  if (!server || instance.servers.has(server) || typeof server.emit !== "function") return false;
  const hadListeners = server.listenerCount("upgrade") > 0;
  attachServer(instance, server);
  if (hadListeners || !isUnhandledUpgrade(request)) return false;
  adopted.set(request, response);
  (request as { upgrade?: boolean }).upgrade = true;
  setImmediate(() => {
    if (!adopted.delete(request)) return;
    // Middleware before spryWs() was asynchronous, so the parser had gone on. Only a first request can come here.
    response.detachSocket(request.socket);
    reject(createResponse(request, request.socket), {
      status: 503,
      message: "The server was not ready for WebSockets yet; try again",
      headers: { "Retry-After": "1" },
    });
    instance.report(
      createError(
        "SPRY_WS_NOT_REGISTERED",
        "The first WebSocket handshake came before spryWs() knew the server. Call attach(server) on what spryWs() " +
          "returned, or put spryWs() before asynchronous middleware",
      ),
      { stage: "handshake" },
    );
  });
  return true;
}
