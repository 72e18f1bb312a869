import { createError } from "./errors.ts";

/** Seconds since the epoch, until the year 5138, taken for milliseconds are before this: in March 1973. */
const earliestMs = 100_000_000_000;

/**
 * @throws RangeError `SPRY_WS_EXPIRY` for what is no point in time, or is one in seconds
 */
export function toEpochMs(expiresAt: Date | number): number {
  const at = expiresAt instanceof Date ? expiresAt.getTime() : expiresAt;
  // A test's clock may begin in 1970.
  const isInSeconds = at > 0 && at < earliestMs && Date.now() > earliestMs;
  if (typeof at === "number" && Number.isFinite(at) && !isInSeconds) return at;
  throw createError(
    "SPRY_WS_EXPIRY",
    `expiresAt must be a valid Date or milliseconds since the epoch, not ${String(expiresAt)}; ` +
      "for the exp of a JWT, which is in seconds, write exp * 1000",
  );
}
