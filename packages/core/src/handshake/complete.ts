import { Connection } from "../connection/connection.ts";
import type { Handshake } from "./handshake.ts";

/**
 * The framework has answered 101: performs the WebSocket handshake on the socket, with the headers that are meant for the
 * client, and opens the connection. A client that has gone meanwhile is forgotten; its hooks see nothing.
 */
export function completeHandshake(handshake: Handshake, cookies: readonly string[]): void {
  const { instance, request, socket, head, acceptance } = handshake;
  const isPending = handshake.isPending;
  handshake.end();
  if (!acceptance || !isPending) return;
  const lines = [
    ...cookies.map((cookie) => `Set-Cookie: ${cookie}`),
    ...acceptance.headers.map(([name, value]) => `${name}: ${value}`),
  ];
  try {
    const websocket = instance.engine.accept(request, socket, head, acceptance.protocol, lines);
    if (!websocket) return;
    const connection = new Connection(instance, acceptance, websocket);
    connection.open();
    if (instance.isClosing) void connection.close(1001);
  } catch (error) {
    instance.report(error, { stage: "handshake" });
    socket.destroy();
  }
}
