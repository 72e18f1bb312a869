import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Readable } from "node:stream";
import { createError } from "../errors.ts";
import { connectionOptions, isOfConnection, toHeaders } from "./headers.ts";
import { readBody } from "./refusal-body.ts";
import type { Rejection } from "./rejection.ts";

/** A `Response` in the terms of Node's frameworks. */
export interface Refusal {
  readonly status: number;
  /** Empty for the framework's own text. */
  readonly statusText: string;
  /** Names in lower case; `set-cookie` once for each cookie. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** A stream only where the body was not complete at once. */
  readonly body: Buffer | Readable | null;
}

/**
 * Reads the `Response` of an `upgrade` hook. A body that is complete at once gets a `Content-Length`.
 *
 * @param outgoing the framework's response; undefined if it has been sent or abandoned already
 */
export async function readRefusal(
  response: Response,
  outgoing: ServerResponse | undefined,
): Promise<Refusal> {
  if (response.status < 200) {
    throw createError(
      "SPRY_WS_UPGRADE_RESULT",
      `The upgrade hook returned a Response with status ${response.status}; to refuse a handshake use 200 to 599`,
    );
  }
  const given = toHeaders(response.headers);
  const body = await readBody(response, outgoing);
  const headers = [...given].filter(([name]) => !isOfConnection(name));
  if (body instanceof Buffer && !given.has("content-length")) {
    headers.push(["content-length", String(body.length)]);
  }
  return {
    status: response.status,
    statusText: response.statusText || STATUS_CODES[response.status] || "",
    headers,
    body,
  };
}

/** An answer of core's own in the same terms. */
export function toRefusal({ status, message, headers = {} }: Omit<Rejection, "reason">): Refusal {
  const body = Buffer.from(`${message}\n`);
  return {
    status,
    statusText: STATUS_CODES[status] ?? "",
    headers: [
      ["content-type", "text/plain; charset=utf-8"],
      ["content-length", String(body.length)],
      ...Object.entries(headers),
    ],
    body,
  };
}

/**
 * The answer to a plain GET on a WebSocket route (RFC 9110 section 15.5.22). As Node adds no `Connection` header of its own then, ours
 * must also say whether the connection goes on (RFC 9112 section 9.3). HTTP/2 has neither these headers nor reason phrases (RFC 9113
 * sections 8.2.2 and 8.3.2), and Node throws for the headers.
 */
export function upgradeRequired({ headers, httpVersion, httpVersionMajor }: IncomingMessage): Refusal {
  const rejection = { status: 426, message: "This is a WebSocket endpoint" };
  if (httpVersionMajor >= 2) return { ...toRefusal(rejection), statusText: "" };
  const options = connectionOptions(headers.connection);
  const isKept = httpVersion === "1.0" ? options.includes("keep-alive") : !options.includes("close");
  const ending = !isKept ? ", close" : httpVersion === "1.0" ? ", keep-alive" : "";
  return toRefusal({ ...rejection, headers: { Upgrade: "websocket", Connection: `Upgrade${ending}` } });
}
