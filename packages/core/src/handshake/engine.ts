import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type ServerOptions, type WebSocket, WebSocketServer } from "ws";
import type { ResolvedOptions } from "../options/resolve-options.ts";
import { maxTimeoutMs } from "../timers.ts";

/** `ws` keeps `maxPayload` and `maxFragments` as 32-bit integers: a larger number would become another one, or no bound. */
const maxInt32 = 2 ** 31 - 1;

const none: readonly string[] = [];

/** What a 101 contains besides the headers that every 101 has. */
export interface SwitchingProtocols {
  readonly protocol: string | undefined;
  /** Header lines. */
  readonly lines: readonly string[];
}

/**
 * `ws`: performs the handshake (Sec-WebSocket-Accept, permessage-deflate), and is the authority on the protocol after it.
 */
export class ProtocolEngine {
  readonly #server: WebSocketServer;
  /** What the handshake is accepted with for which `ws` asks: it does all of it in one call. */
  #answer: SwitchingProtocols | undefined;

  constructor(options: ResolvedOptions) {
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: Math.min(options.maxPayload, maxInt32),
      maxFragments: Math.min(options.maxFragments, maxInt32),
      perMessageDeflate: options.perMessageDeflate,
      // The longest possible time, in effect none: CloseTimeouts terminates peers that do not answer a close frame.
      closeTimeout: maxTimeoutMs,
      handleProtocols: () => this.#answer?.protocol ?? false,
    } as ServerOptions);
    this.#server.on("headers", (headers) => {
      for (const line of this.#answer?.lines ?? none) headers.push(line);
    });
  }

  /**
   * Writes the 101.
   *
   * @returns undefined if `ws` could not use the handshake or the socket: then it has answered as it had to, and ended the socket
   */
  accept(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    answer: SwitchingProtocols,
  ): WebSocket | undefined {
    let accepted: WebSocket | undefined;
    // `ws` writes the head as one string, in UTF-8 by default. As in all answers of Node, each character of a header value is one byte.
    const isAscii = answer.lines.every((line) => !/[^\0-\x7f]/.test(line));
    if (!isAscii) socket.setDefaultEncoding("latin1");
    this.#answer = answer;
    this.#server.handleUpgrade(canonical(request), socket, head, (websocket) => {
      accepted = websocket;
    });
    this.#answer = undefined;
    if (!isAscii) socket.setDefaultEncoding("utf8");
    return accepted;
  }
}

/** `ws` takes only an `Upgrade` header that is "websocket" alone, not a list with other protocols. */
function canonical(request: IncomingMessage): IncomingMessage {
  if (request.headers.upgrade?.toLowerCase() === "websocket") return request;
  return Object.create(request, { headers: { value: { ...request.headers, upgrade: "websocket" } } });
}
