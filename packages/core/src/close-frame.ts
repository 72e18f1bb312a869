import { createError, describe } from "./errors.ts";

/** A control frame carries 125 bytes, two of which are the close code (RFC 6455 sections 5.5 and 5.5.1). */
const maxReasonBytes = 123;

/**
 * @throws RangeError `SPRY_WS_CLOSE` for a code that an endpoint must not send (RFC 6455 section 7.4)
 */
export function assertCloseCode(code: unknown, caller: string = "close(code)"): asserts code is number {
  const isAllowed =
    typeof code === "number" &&
    Number.isInteger(code) &&
    ((code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) ||
      (code >= 3000 && code <= 4999));
  if (isAllowed) return;
  throw createError(
    "SPRY_WS_CLOSE",
    `${caller} takes 1000 to 1003, 1007 to 1014 or, for codes of your own, 3000 to 4999, not ` +
      `${typeof code === "number" ? code : describe(code)}`,
  );
}

/**
 * What a call that closes several peers was given.
 *
 * @throws RangeError `SPRY_WS_CLOSE` for a code that must not be sent, TypeError `SPRY_WS_OPTION` for a reason that is no string
 */
export function resolveClosing(
  code: unknown = 1000,
  reason: unknown = "",
  caller: string,
): { code: number; reason: string } {
  assertCloseCode(code, caller);
  if (typeof reason === "string") return { code, reason: fitReason(reason) };
  throw createError("SPRY_WS_OPTION", `${caller}: the reason is a string, not ${describe(reason)}`);
}

/** The reason, cut at the end of a character where it is longer than a close frame can carry. */
export function fitReason(reason: string): string {
  if (Buffer.byteLength(reason) <= maxReasonBytes) return reason;
  const bytes = Buffer.from(reason);
  let end = maxReasonBytes;
  // Bytes of the form 10xxxxxx continue a character (RFC 3629 section 3).
  while (end > 0 && ((bytes[end] as number) & 0xc0) === 0x80) end--;
  return bytes.toString("utf8", 0, end);
}
