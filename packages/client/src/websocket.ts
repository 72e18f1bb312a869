/** What is used of a WebSocket: the browser's, Node's from 22 on, that of `ws`. */
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

/** A class that makes them. */
export type WebSocketClass = new (url: string, protocols?: string[]) => WebSocketLike;

/** What comes and goes, as bytes or text. */
export type SocketData = string | ArrayBuffer | ArrayBufferView;

/** WebSocket.OPEN (WHATWG): a constant, so that no class is needed to know it. */
export const isOpen = (socket: WebSocketLike | undefined): socket is WebSocketLike =>
  socket?.readyState === 1;

/** @throws TypeError where the runtime has none, as Node has not before 22 */
export function webSocketClass(given: WebSocketClass | undefined): WebSocketClass {
  const found = given ?? (globalThis as { WebSocket?: WebSocketClass }).WebSocket;
  if (found) return found;
  throw new TypeError('No WebSocket here: give { WebSocket } of "ws"');
}

/**
 * The URL to connect to: a path is taken from the page's own server, `http:` becomes `ws:`.
 *
 * @throws TypeError for a path where there is no page
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
