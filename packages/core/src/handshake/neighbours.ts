import type { ServerResponse } from "node:http";
import { type Duplex, Writable } from "node:stream";
import type { Handshake } from "./handshake.ts";
import { divert, linger } from "./response.ts";

/**
 * Whether an answer may only mean that the handshake is somebody else's: no `ws(hooks)` handler took it, and it is a 404, the
 * page of a catch-all route, or a 400 from before the adapter saw the request (Socket.IO listens for requests too, and
 * answers its own upgrades there so). Any other refusal is the app's.
 */
export function mayBeForNeighbours(handshake: Handshake, status: number): boolean {
  if (!handshake.offer || handshake.isRouted || !handshake.isPending) return false;
  return status === 404 || (status >= 200 && status < 300) || (status === 400 && !handshake.isSeen);
}

/**
 * Offers the handshake to the server's other `upgrade` listeners (Vite's HMR, Socket.IO, graphql-ws), with the socket
 * untouched, and keeps the framework's answer. Only if none of them has answered within `handshakeTimeoutMs` is that sent.
 */
export function offerToNeighbours(handshake: Handshake, response: ServerResponse): void {
  const { instance, socket, offer } = handshake;
  const kept: Buffer[] = [];
  divert(
    response,
    new Writable({
      write(chunk, _encoding, done) {
        kept.push(chunk);
        done();
      },
    }),
  );
  handshake.end("forwarded");
  const bytesBefore = bytesWritten(socket);
  // Routers and middleware on the way may have rewritten it.
  handshake.request.url = handshake.target;
  offer?.();
  const { handshakeTimeoutMs } = instance.options;
  if (handshakeTimeoutMs === 0) return;
  const timer = setTimeout(() => {
    // Somebody has begun to answer.
    if (!socket.writable || socket.writableLength > 0 || bytesWritten(socket) > bytesBefore) return;
    socket.write(Buffer.concat(kept));
    linger(socket);
  }, handshakeTimeoutMs);
  socket.once("close", () => clearTimeout(timer));
  timer.unref();
}

/** More than 0 already on a connection that has served requests before. */
function bytesWritten(socket: Duplex & { readonly bytesWritten?: number }): number {
  return socket.bytesWritten ?? 0;
}
