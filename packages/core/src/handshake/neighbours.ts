import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Handshake } from "./handshake.ts";
import { KeptAnswer } from "./kept-answer.ts";
import { divert, linger } from "./response.ts";

/**
 * Whether an answer may only mean that the handshake is somebody else's: no `ws(hooks)` handler took it, and it is
 * - a 404, or the page of a catch-all route;
 * - a 426, with which a WebSocket route answers a plain request, as a proxy makes of a handshake (@fastify/http-proxy, which
 *   listens for `upgrade` too);
 * - a 400 from before the adapter saw the request: Socket.IO listens for requests too, and answers its own upgrades there so.
 *
 * Any other refusal is the app's.
 */
export function mayBeForNeighbours(handshake: Handshake, status: number): boolean {
  if (!handshake.offer || handshake.isRouted || !handshake.isPending) return false;
  return (
    [404, 426].includes(status) || (status >= 200 && status < 300) || (status === 400 && !handshake.isSeen)
  );
}

/**
 * Offers the handshake to the server's other `upgrade` listeners (Vite's HMR, Socket.IO, graphql-ws), with the socket
 * untouched, and keeps the framework's answer. Only if none of them has answered within `handshakeTimeoutMs` is that sent; the
 * connection of one that has answered may be there for long, so it must not hold the answer any longer.
 */
export function offerToNeighbours(handshake: Handshake, response: ServerResponse, status: number): void {
  const { instance, socket, offer } = handshake;
  const kept = new KeptAnswer();
  divert(response, kept);
  handshake.end("forwarded");
  const bytesBefore = bytesWritten(socket);
  // Somebody has begun to answer.
  const isAnswered = () =>
    !socket.writable || socket.writableLength > 0 || bytesWritten(socket) > bytesBefore;
  // Routers and middleware on the way may have rewritten it.
  handshake.request.url = handshake.target;
  offer?.();
  const { handshakeTimeoutMs } = instance.options;
  if (handshakeTimeoutMs === 0 || isAnswered()) {
    kept.drop();
    return;
  }
  const settle = (): void => {
    clearTimeout(timer);
    socket.removeListener("close", settle);
    if (isAnswered()) {
      kept.drop();
      return;
    }
    socket.write(kept.take());
    linger(socket);
    instance.handshakes.notices.ordinaryAnswer(handshake, status);
  };
  const timer = setTimeout(settle, handshakeTimeoutMs).unref();
  socket.once("close", settle);
}

/** More than 0 already on a connection that has served requests before. */
function bytesWritten(socket: Duplex & { readonly bytesWritten?: number }): number {
  return socket.bytesWritten ?? 0;
}
