import { createError } from "../errors.ts";
import { maxTimeoutMs } from "../timers.ts";

/** Calls back when the credentials of a peer expire. Never keeps the process alive. */
export class Expiry {
  readonly #onExpire: () => void;
  #at = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(onExpire: () => void) {
    this.#onExpire = onExpire;
  }

  /** Sets the time anew, in milliseconds since the epoch. */
  set(at: number): void {
    clearTimeout(this.#timer);
    this.#at = at;
    this.#timer = setTimeout(
      () => this.#check(),
      Math.min(Math.max(0, at - Date.now()), maxTimeoutMs),
    ).unref();
  }

  cancel(): void {
    clearTimeout(this.#timer);
  }

  #check(): void {
    if (Date.now() >= this.#at) this.#onExpire();
    else this.set(this.#at);
  }
}

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
