import type { IncomingMessage } from "node:http";
import type { Rejection } from "./rejection.ts";

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const key = /^[+/0-9A-Za-z]{22}==$/;
const hostCharacters = /^[^\s/?#@\\]+$/;
const absoluteTarget = /^(?:https?|wss?):\/\//i;

/**
 * Whether the request asks for the WebSocket protocol: one of the tokens of `Upgrade` is `websocket`, in any case
 * (RFC 9110 section 7.8, RFC 6455 section 4.2.1). Everything else, like `h2c`, is ordinary HTTP.
 */
export function isWebSocketUpgrade(request: IncomingMessage): boolean {
  const { upgrade } = request.headers;
  return upgrade === "websocket" || (upgrade !== undefined && isListed(upgrade));
}

function isListed(upgrade: string): boolean {
  return upgrade.split(",").some((name) => name.trim().toLowerCase() === "websocket");
}

/**
 * Checks what RFC 6455 section 4.2.1 and RFC 9112 ask of an opening handshake, before any middleware or hook sees the request.
 *
 * @returns undefined if the request can become a WebSocket
 */
export function validateHandshake(request: IncomingMessage): Rejection | undefined {
  const { headers } = request;
  if (request.method !== "GET") {
    return invalid(405, "A WebSocket handshake is a GET request", { Allow: "GET" });
  }
  if (request.httpVersion === "1.0") return invalid(400, "A WebSocket handshake needs HTTP/1.1");
  if (headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) !== 0) {
    return invalid(400, "A WebSocket handshake has no body");
  }
  if (!hasOneValidHost(request)) return invalid(400, "Missing or invalid Host header");
  if (!isValidTarget(request)) return invalid(400, "Invalid request target");
  if (headers["sec-websocket-version"] !== "13") {
    return invalid(426, "Missing or unsupported Sec-WebSocket-Version header", {
      "Sec-WebSocket-Version": "13",
      Upgrade: "websocket",
      Connection: "Upgrade, close",
    });
  }
  if (!key.test(headers["sec-websocket-key"] ?? ""))
    return invalid(400, "Missing or invalid Sec-WebSocket-Key header");
  if (!offeredSubprotocols(request.headers["sec-websocket-protocol"]))
    return invalid(400, "Invalid Sec-WebSocket-Protocol header");
  return undefined;
}

const none: ReadonlySet<string> = new Set();

/**
 * The subprotocols the client offers, in its order; undefined if the header is not a list of distinct tokens.
 *
 * @param header Sec-WebSocket-Protocol
 */
export function offeredSubprotocols(header: string | undefined): ReadonlySet<string> | undefined {
  if (header === undefined) return none;
  const names = header.split(",").map((name) => name.trim());
  const offered = new Set(names);
  return offered.size === names.length && names.every((name) => token.test(name)) ? offered : undefined;
}

function invalid(status: number, message: string, headers: Rejection["headers"] = {}): Rejection {
  return { reason: "invalid", status, message, headers };
}

/** A request must have exactly one Host (RFC 9112 section 3.2). Node drops a repeated one, so that it is found only in `rawHeaders`. */
function hasOneValidHost(request: IncomingMessage): boolean {
  const { host } = request.headers;
  if (host === undefined || !isHost(host)) return false;
  let count = 0;
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i] as string;
    if (name.length === 4 && name.toLowerCase() === "host") count++;
  }
  return count === 1;
}

/** Kept because a server has few hosts, and parsing a URL takes 2 µs. */
let lastHost: string | undefined;

function isHost(host: string): boolean {
  if (host === lastHost) return true;
  if (!hostCharacters.test(host) || !URL.canParse(`http://${host}/`)) return false;
  lastHost = host;
  return true;
}

/** Whether the target has the origin form, or the absolute form, which a server must accept too (RFC 9112 section 3.2.2). */
function isValidTarget(request: IncomingMessage): boolean {
  const target = request.url ?? "";
  if (target.startsWith("/")) return true; // In a URL every path and query is valid (WHATWG).
  if (!absoluteTarget.test(target) || !URL.canParse(target)) return false;
  const { username, password } = new URL(target);
  return username === "" && password === "";
}
