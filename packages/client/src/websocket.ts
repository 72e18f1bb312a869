/** What is used of a WebSocket: that of a browser, of Node 22 and later, or of `ws`. */
export interface WebSocketLike {
  binaryType: string;
  readonly readyState: number;
  readonly protocol: string;
  readonly bufferedAmount: number;
  onopen: ((event: never) => unknown) | null;
  onmessage: ((event: never) => unknown) | null;
  onclose: ((event: never) => unknown) | null;
  onerror: ((event: never) => unknown) | null;
  send(data: never): void;
  close(code?: number, reason?: string): void;
}

/** A class of WebSockets. */
export type WebSocketClass = new (url: string, protocols?: string[]) => WebSocketLike;

/** The data of a message: text, or bytes. */
export type SocketData = string | ArrayBuffer | ArrayBufferView;

/** Compares with the number of WebSocket.OPEN (WHATWG), so that no class is needed. */
export const isOpen = (socket: WebSocketLike | undefined): socket is WebSocketLike =>
  socket?.readyState === 1;

/** @throws TypeError if none is given and the runtime has none, like Node before 22 */
export function webSocketClass(given: WebSocketClass | undefined): WebSocketClass {
  const found = given ?? (globalThis as { WebSocket?: WebSocketClass }).WebSocket;
  if (found) return found;
  throw new TypeError('No WebSocket here: give { WebSocket } of "ws"');
}

/**
 * The URL to connect to: a path is resolved against the URL of the page, and `http:` becomes `ws:`.
 *
 * @throws TypeError for a path if there is no page
 */
export function webSocketUrl(url: string | URL): string {
  const { location } = globalThis as { location?: { href: string } };
  const text = String(url);
  if (!URL.canParse(text, location?.href))
    throw new TypeError(`No URL: ${text}; outside of a page write all of it, wss://host/live`);
  const absolute = new URL(text, location?.href);
  absolute.protocol = absolute.protocol.replace(/^http/, "ws");
  absolute.hash = "";
  return absolute.href;
}
