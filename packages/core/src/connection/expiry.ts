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

/**
 * @throws RangeError `SPRY_WS_EXPIRY` for what is no point in time
 */
export function toEpochMs(expiresAt: Date | number): number {
  const at = expiresAt instanceof Date ? expiresAt.getTime() : expiresAt;
  if (typeof at === "number" && Number.isFinite(at)) return at;
  throw createError(
    "SPRY_WS_EXPIRY",
    `expiresAt must be a valid Date or milliseconds since the epoch, not ${String(expiresAt)}; ` +
      "for the exp of a JWT, which is in seconds, write exp * 1000",
  );
}
