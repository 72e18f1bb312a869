import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import { Readable } from "node:stream";
import { createError } from "../errors.ts";
import type { Rejection } from "./validate.ts";

/** A `Response` in the terms of Node's frameworks. */
export interface Refusal {
  readonly status: number;
  /** Empty: the framework's own. */
  readonly statusText: string;
  /** Names in lower case; `set-cookie` once for each cookie. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** A stream only where the body was not complete at once. */
  readonly body: Buffer | Readable | null;
}

/**
 * Reads the `Response` of an `upgrade` hook. A body that is complete at once, as one made of a string is, gets a
 * `Content-Length`; a body that goes on is streamed, and if it fails the socket ends with it. It is cancelled when nobody is
 * there any more to read it.
 *
 * @param outgoing the framework's response; undefined if it is over already
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
  const body = await readBody(response, outgoing);
  const headers = [...response.headers];
  if (body instanceof Buffer && !response.headers.has("content-length")) {
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
export function toRefusal({ status, message, headers = {} }: Rejection): Refusal {
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
 * The answer to a plain GET on a WebSocket route (RFC 9110 section 15.5.22). HTTP/2 has neither these headers nor reason phrases
 * (RFC 9113 sections 8.2.2 and 8.3.2), and Node throws for the former.
 */
export function upgradeRequired(request: IncomingMessage): Refusal {
  const isHttp1 = request.httpVersionMajor < 2;
  const headers = isHttp1 ? { Upgrade: "websocket", Connection: "Upgrade" } : {};
  const refusal = toRefusal({ status: 426, message: "This is a WebSocket endpoint", headers });
  return isHttp1 ? refusal : { ...refusal, statusText: "" };
}

async function readBody(
  response: Response,
  outgoing: ServerResponse | undefined,
): Promise<Buffer | Readable | null> {
  if (!response.body) return response.status === 204 || response.status === 304 ? null : Buffer.alloc(0);
  const reader = response.body.getReader();
  // Of a body that has ended or failed there is nothing to cancel.
  const cancel = () => void reader.cancel().catch(() => {});
  if (outgoing) outgoing.once("close", cancel);
  else cancel();
  const first = await reader.read();
  if (first.done) return Buffer.alloc(0);
  const second = reader.read();
  const isComplete = await Promise.race([second.then(({ done }) => done), immediately(false)]);
  if (isComplete) return Buffer.from(first.value);
  const rest = async function* (): AsyncGenerator<Uint8Array> {
    yield first.value;
    for (let read = await second; !read.done; read = await reader.read()) yield read.value;
  };
  const stream = Readable.from(rest(), { objectMode: false });
  stream.on("error", () => outgoing?.socket?.destroy());
  stream.on("close", cancel);
  return stream;
}

function immediately<T>(value: T): Promise<T> {
  return new Promise((resolve) => setImmediate(resolve, value));
}
