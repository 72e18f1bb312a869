import { WebSocket } from "ws";

/**
 * The `WebSocket` of a page, for the blocks that run in one: with whatever host they name, it connects to this server. As in a browser, a
 * handshake that fails is nothing but a close with 1006.
 *
 * @param headers what a browser adds by itself: cookies
 */
export function browserSocket(
  port: number,
  headers: Readonly<Record<string, string>> = {},
): new (
  url: string | URL,
  protocols?: string | string[],
) => WebSocket {
  return class extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      const { pathname, search } = new URL(url);
      super(`ws://127.0.0.1:${port}${pathname}${search}`, protocols, { perMessageDeflate: false, headers });
      this.on("error", () => {});
    }
  };
}
