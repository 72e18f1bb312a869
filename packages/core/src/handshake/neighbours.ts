import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Handshake } from "./handshake.ts";
import { KeptAnswer } from "./kept-answer.ts";
import { divert, linger } from "./response.ts";

/**
 * Whether an answer may only mean that the handshake is for a neighbour: no `ws(hooks)` handler took it, and the answer is
 * - a 404, or the page of a catch-all route;
 * - a 426, with which a WebSocket route answers a plain request: a proxy makes such a request of the handshake (@fastify/http-proxy,
 *   which listens for `upgrade` too);
 * - a 400 that came before the adapter saw the request: Socket.IO listens for `request` too, and answers its own upgrades so.
 *
 * Any other answer is a refusal by the app.
 */
export function mayBeForNeighbours(handshake: Handshake, status: number): boolean {
  if (!handshake.offer || handshake.isRouted || !handshake.isPending) return false;
  return (
    [404, 426].includes(status) || (status >= 200 && status < 300) || (status === 400 && !handshake.isSeen)
  );
}

/**
 * Offers the handshake to the server's other `upgrade` listeners (Vite's HMR, Socket.IO, graphql-ws), with the socket untouched, and
 * keeps the framework's answer. That is sent only if none of them has answered within `handshakeTimeoutMs`. It is not kept for longer,
 * since the connection of a neighbour that has answered may last.
 */
export function offerToNeighbours(handshake: Handshake, response: ServerResponse, status: number): void {
  const { instance, socket, offer } = handshake;
  const kept = new KeptAnswer();
  divert(response, kept);
  handshake.end("forwarded");
  const bytesBefore = bytesWritten(socket);
  const isAnswered = () =>
    !socket.writable || socket.writableLength > 0 || bytesWritten(socket) > bytesBefore;
  // Routers and middleware may have rewritten the URL.
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

/** Not 0 at first if the connection has served requests before. */
function bytesWritten(socket: Duplex & { readonly bytesWritten?: number }): number {
  return socket.bytesWritten ?? 0;
}
