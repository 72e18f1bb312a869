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
