import type { IncomingMessage } from "node:http";
import { createError } from "../errors.ts";
import { Handshake, type HandshakeOwner } from "./handshake.ts";
import { connectionOptions } from "./headers.ts";
import { pathOf } from "./path.ts";
import { isWebSocketUpgrade } from "./validate.ts";

/**
 * The handshake of a request that has reached a `ws(hooks)` handler; undefined for a plain request, and for one that has its 101.
 *
 * @throws Error `SPRY_WS_NOT_REGISTERED` for a handshake that core has not dispatched, or that may belong to several instances
 */
export function findHandshake(request: IncomingMessage): Handshake | undefined {
  const handshake = Handshake.of(request);
  if (handshake?.isUndecided) {
    throw createError(
      "SPRY_WS_NOT_REGISTERED",
      `A WebSocket handshake for ${pathOf(handshake.target)} reached ws(hooks), but has passed none of the spryWs() of this server: ` +
        "to say which one it belongs to, register that before the routes (Express and Koa: app.use(spryWs()); Fastify: " +
        "await app.register(spryWs), in the context of the route or above it)",
    );
  }
  if (handshake || Handshake.acceptedBy(request) || !isUnhandledUpgrade(request)) return handshake;
  throw createError(
    "SPRY_WS_NOT_REGISTERED",
    `A WebSocket handshake for ${pathOf(request.url)} reached ws(hooks), but no spryWs() has seen it: register spryWs() before ` +
      "the routes (Express and Koa: app.use(spryWs()); Fastify: await app.register(spryWs)), or call attach(server)",
  );
}

/**
 * The instance that has accepted the handshake of a request; undefined for every other request. Errors that the framework reports for
 * such a request can no longer be answered.
 */
export function acceptedBy(request: IncomingMessage): HandshakeOwner | undefined {
  return Handshake.acceptedBy(request);
}

/** Whether a request asks for an upgrade, and Node has emitted it as `request` because the server had no `upgrade` listener. */
export function isUnhandledUpgrade(request: IncomingMessage): boolean {
  const { connection, "content-length": length, "transfer-encoding": encoding } = request.headers;
  const asks = connectionOptions(connection).includes("upgrade");
  return asks && isWebSocketUpgrade(request) && !Number(length ?? 0) && encoding === undefined;
}
