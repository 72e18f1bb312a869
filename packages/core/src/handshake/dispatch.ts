import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import type { Instance } from "../spry-ws.ts";
import { Handshake } from "./handshake.ts";
import { serveAsHttp } from "./plain-http.ts";
import { answerHandshake, createResponse, reject } from "./response.ts";
import { isWebSocketUpgrade, shuttingDown, validateHandshake } from "./validate.ts";

/**
 * The server's `upgrade` event. A request that can become a WebSocket is given to the framework as any GET is, with a
 * response of its own: routing, middleware, refusals and errors are the framework's.
 */
export function dispatchUpgrade(
  instance: Instance,
  server: Server,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  // From here on a reset by the client ends this socket alone, however long the handshake takes.
  socket.on("error", ignore);
  if (!isWebSocketUpgrade(request)) {
    serveAsHttp(server, request, socket, head);
    return;
  }
  const response = createResponse(request, socket);
  const rejection = instance.isClosing ? shuttingDown : validateHandshake(request);
  if (rejection) {
    reject(response, rejection);
    return;
  }
  const handshake = new Handshake(instance, request, socket, head);
  socket.once("close", () => {
    if (handshake.hasEnded) return;
    handshake.end();
    request.destroy(); // Tells what waits for the request that the client has gone.
  });
  answerHandshake(handshake, response);
  try {
    server.emit("request", request, response);
  } catch (error) {
    // A listener of the user's own: frameworks catch what their handlers throw.
    instance.report(error, { stage: "handshake" });
    reject(response, { status: 500, message: "Internal Server Error" });
  }
}

function ignore(): void {}
