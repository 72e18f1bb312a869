import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type ServerOptions, type WebSocket, WebSocketServer } from "ws";
import type { ResolvedOptions } from "../options/resolve-options.ts";
import { maxTimeoutMs } from "../timers.ts";

/** `ws` keeps these bounds as 32-bit integers: a larger one would be another, or none. */
const maxInt32 = 2 ** 31 - 1;

/**
 * `ws`, which performs the handshake (Sec-WebSocket-Accept, permessage-deflate) and is the authority on everything after
 * it.
 */
export class ProtocolEngine {
  readonly #server: WebSocketServer;
  /** What the handshake under way is accepted with: `handleUpgrade` without `verifyClient` is synchronous. */
  #protocol: string | undefined;
  #lines: readonly string[] = [];

  constructor(options: ResolvedOptions) {
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: Math.min(options.maxPayload, maxInt32),
      maxFragments: Math.min(options.maxFragments, maxInt32),
      perMessageDeflate: options.perMessageDeflate,
      // As good as none: CloseTimeouts has an eye on the peer.
      closeTimeout: maxTimeoutMs,
      handleProtocols: () => this.#protocol ?? false,
    } as ServerOptions);
    this.#server.on("headers", (headers) => headers.push(...this.#lines));
  }

  /**
   * Writes the 101. Undefined: `ws` found the handshake or the socket unfit, answered as it had to and ended the socket.
   */
  accept(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    protocol: string | undefined,
    lines: readonly string[],
  ): WebSocket | undefined {
    this.#protocol = protocol;
    this.#lines = lines;
    let accepted: WebSocket | undefined;
    // `ws` writes the head as one string, which would be UTF-8. A header value is a string of bytes, as in every answer of Node's.
    const isAscii = lines.every((line) => !/[^\0-\x7f]/.test(line));
    if (!isAscii) socket.setDefaultEncoding("latin1");
    this.#server.handleUpgrade(canonical(request), socket, head, (websocket) => {
      accepted = websocket;
    });
    if (!isAscii) socket.setDefaultEncoding("utf8");
    this.#lines = [];
    return accepted;
  }
}

/** `ws` takes only an `Upgrade` header that is "websocket" alone, not a list with other protocols. */
function canonical(request: IncomingMessage): IncomingMessage {
  if (request.headers.upgrade?.toLowerCase() === "websocket") return request;
  return Object.create(request, { headers: { value: { ...request.headers, upgrade: "websocket" } } });
}
