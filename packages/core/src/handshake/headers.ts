import { createError, describe } from "../errors.ts";

/** Whether a header belongs to the handshake itself: no hook may set it. */
export function isOfHandshake(name: string): boolean {
  return /^(?:upgrade|connection|sec-websocket-.*)$/i.test(name);
}

/**
 * Whether a header describes a body (RFC 9110 sections 8.3 to 8.8 and 14.3): it would be wrong with any body but the one that it was set
 * for. `Content-Security-Policy` only has such a name, and applies to whatever is shown (CSP Level 3 section 3.1).
 */
export function describesBody(name: string): boolean {
  return /^(?:content-(?!security-policy).*|transfer-encoding|trailer|etag|last-modified|accept-ranges)$/i.test(
    name,
  );
}

/** Whether a header is about how bytes are sent on this one connection (RFC 9110 section 7.6.1): Node sets these. */
export function isOfConnection(name: string): boolean {
  return /^(?:keep-alive|proxy-connection|te|trailer|transfer-encoding)$/i.test(name);
}

/**
 * Makes the platform's `Headers` of what a hook has returned as headers, which may be of another package's class. Only those of the
 * platform are known to have valid names and values, without line breaks that would begin another header.
 *
 * @throws TypeError `SPRY_WS_UPGRADE_RESULT` for what cannot be headers
 */
export function toHeaders(headers: unknown): Headers {
  try {
    return new Headers(headers as Headers);
  } catch (cause) {
    throw createError(
      "SPRY_WS_UPGRADE_RESULT",
      `The upgrade hook returned headers that cannot be sent (${describe(headers)}): ${(cause as Error).message}`,
      cause,
    );
  }
}

/** What a `Connection` header lists, in lower case (RFC 9110 section 7.6.1). */
export function connectionOptions(header: unknown = ""): string[] {
  const options = String(header).split(",");
  return options.map((option) => option.trim().toLowerCase()).filter((option) => option !== "");
}

/** A `Connection` header with `close`, for an answer after which the connection ends (RFC 9112 section 9.6). */
export function withClose(header: unknown): string {
  const others = connectionOptions(header).filter((option) => option !== "close" && option !== "keep-alive");
  return [...others, "close"].join(", ");
}
