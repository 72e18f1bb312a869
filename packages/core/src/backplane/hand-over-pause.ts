import { type Deadline, maxTimeoutMs } from "../timers.ts";

/**
 * The time after an outage in which nothing is handed over: other processes may come back later than this one, and would miss
 * what is published before. Of the time that is left until the deadline it takes no more than half; the rest is for the answer.
 */
export class HandOverPause {
  readonly #onOver: () => void;
  /** Runs during the pause. */
  #timer: NodeJS.Timeout | undefined;
  /** When the pause is over, as `performance.now()`. */
  #endsAt = 0;
  #deadline: Deadline | undefined;

  /** @param onOver called when the time of a pause is over, not when it is ended by `end` */
  constructor(onOver: () => void) {
    this.#onOver = onOver;
  }

  get isOn(): boolean {
    return this.#timer !== undefined;
  }

  /** Begins a pause, in place of one that is on. */
  begin(wantedMs: number): void {
    const ms = Math.min(wantedMs, (this.#deadline?.leftMs ?? Number.POSITIVE_INFINITY) / 2);
    this.end();
    this.#endsAt = performance.now() + ms;
    this.#timer = setTimeout(
      () => {
        this.end();
        this.#onOver();
      },
      Math.min(ms, maxTimeoutMs),
    ).unref();
  }

  /** Sets the time by which everything is to be handed over. Shortens a pause that is on. */
  setDeadline(deadline: Deadline): void {
    this.#deadline = deadline;
    if (this.isOn) this.begin(this.#endsAt - performance.now());
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
