import { createError, isSpryWsError, type SpryWsError } from "./errors.ts";

/** What a `HistoryLink` rejects with where a message is certainly not stored. @param cause why */
export function notAppended(cause: unknown): SpryWsError {
  const text = cause instanceof Error ? cause.message : String(cause);
  return createError("SPRY_WS_NOT_PUBLISHED", `the message was not stored: ${text}`, cause);
}

/** Whether a link has rejected with `notAppended`: anything else may be stored. */
export function isNotAppended(error: unknown): boolean {
  return isSpryWsError(error) && error.code === "SPRY_WS_NOT_PUBLISHED";
}
