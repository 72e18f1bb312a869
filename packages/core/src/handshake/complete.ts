import { Connection } from "../connection/connection.ts";
import type { Handshake } from "./handshake.ts";
import { ignoreError } from "./response.ts";

/**
 * The framework has answered 101: performs the WebSocket handshake on the socket, with the headers that are meant for the
 * client, and opens the connection. A client that has gone meanwhile is forgotten; its hooks see nothing.
 */
export function completeHandshake(handshake: Handshake, cookies: readonly string[]): void {
  const { instance, server, request, socket, head, client, acceptance } = handshake;
  if (!acceptance || !handshake.isPending) return;
  const lines = cookies.map((cookie) => `Set-Cookie: ${cookie}`);
  for (const [name, value] of acceptance.headers) lines.push(`${name}: ${value}`);
  // If not, `ws` destroys the socket: the client has gone just now.
  const isThere = socket.readable && socket.writable;
  handshake.unwatch();
  try {
    const websocket = instance.engine.accept(request, socket, head, { protocol: acceptance.protocol, lines });
    handshake.end(websocket ? "accepted" : isThere ? "invalid" : "aborted");
    if (!websocket) return;
    // `ws` listens now; a second listener costs an array for each idle peer.
    if (socket.listenerCount("error") > 1) socket.removeListener("error", ignoreError);
    new Connection({ owner: instance, server, socket, websocket, client, acceptance }).open();
  } catch (error) {
    handshake.end("invalid");
    instance.report(error, { stage: "handshake" });
    socket.destroy();
  }
}
