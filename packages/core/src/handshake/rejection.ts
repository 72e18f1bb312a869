import type { RefusalReason } from "../observe/metrics.ts";

/** An answer of core's own to a handshake. */
export interface Rejection {
  /** What it is counted as. */
  readonly reason: RefusalReason;
  readonly status: number;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export const shuttingDown: Rejection = {
  reason: "closing",
  status: 503,
  message: "The server is shutting down",
  headers: { "Retry-After": "1" },
};

/** For the first handshake of a server, which may come before the server is known. */
export const notReady: Rejection = {
  reason: "framework",
  status: 503,
  message: "The server was not ready for WebSockets yet; try again",
  headers: { "Retry-After": "1" },
};

export const internalError: Rejection = {
  reason: "framework",
  status: 500,
  message: "Internal Server Error",
};

export const timedOut: Rejection = { reason: "timeout", status: 408, message: "The handshake took too long" };

export const notFound: Rejection = { reason: "path", status: 404, message: "Not Found" };

export const foreignOrigin: Rejection = {
  reason: "origin",
  status: 403,
  message: "Pages of this origin may not connect",
};

export const tooManyPeers: Rejection = {
  reason: "maxPeers",
  status: 503,
  message: "Too many connections",
  headers: { "Retry-After": "10" },
};

export const tooManyPeersOfAddress: Rejection = {
  reason: "maxPeersPerAddress",
  status: 429,
  message: "Too many connections from your address",
  headers: { "Retry-After": "10" },
};
