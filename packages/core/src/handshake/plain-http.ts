import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { hasNativeHttp } from "../runtime.ts";
import { connectionOptions } from "./headers.ts";
import { createResponse } from "./response.ts";

/**
 * Serves a request that asks for another protocol than WebSocket, like `Upgrade: h2c`, as plain HTTP: a server may ignore an upgrade
 * (RFC 9110 section 7.8).
 *
 * Node has taken its parser off the socket, and what it had read of a body is in `head`. So the request is put back into the socket,
 * without the header that asks for the upgrade, and the socket is given to the server again with a `connection` event, as Node documents
 * it. Body, pipelining and keep-alive then work as usual.
 */
export function serveAsHttp(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  if (hasNativeHttp || socket !== request.socket || request.readableLength > 0) {
    // Node 24 and later read the body as part of the request, and until that is complete `socket` is a stream in its place. Bun's server
    // takes no socket by its `connection` event. In these cases the connection ends with the answer.
    server.emit("request", request, createResponse(request, socket));
    return;
  }
  const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`];
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i] as string;
    const value = request.rawHeaders[i + 1] as string;
    if (name.toLowerCase() === "upgrade") continue;
    const kept = name.toLowerCase() === "connection" ? withoutUpgrade(value) : value;
    if (kept !== "") lines.push(`${name}: ${kept}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), head]));
  const { encrypted } = socket as Partial<TLSSocket>;
  server.emit(encrypted ? "secureConnection" : "connection", socket);
}

function withoutUpgrade(connection: string): string {
  return connectionOptions(connection)
    .filter((option) => option !== "upgrade")
    .join(", ");
}
