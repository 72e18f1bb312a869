import type { BackplaneDownDetails } from "../backplane.ts";
import { createError } from "../errors.ts";
import { channels } from "../observe/channels.ts";
import { withReason } from "./reports.ts";

const states = {
  connecting: "has not connected",
  up: "has not confirmed all subscriptions",
  down: "is not connected; messages of other processes do not come until it is back",
  failed: "cannot be used",
  closed: "is closed",
};

/** Whether a backplane can be used, and since when not. Reports each change, and publishes it to the diagnostics channel. */
export class LinkState {
  /** How often the link has gone down. */
  outages = 0;
  readonly #name: string;
  readonly #report: (error: unknown) => void;
  #state: keyof typeof states = "connecting";
  #wasUp = false;
  /** Since when messages of others may be missing, as `performance.now()`; undefined while the link is up. */
  #missingSince: number | undefined;
  #lastReason: unknown;

  /** @param name of the backplane, for the texts of the errors */
  constructor(name: string, report: (error: unknown) => void) {
    this.#name = name;
    this.#report = report;
  }

  get isUp(): boolean {
    return this.#state === "up";
  }

  get isClosed(): boolean {
    return this.#state === "closed";
  }

  /** Whether the link will never be up again: it has failed for good, or is closed. */
  get isOver(): boolean {
    return this.#state === "failed" || this.#state === "closed";
  }

  /** Whether messages of others may be missing: the link has been down, and is not up again. */
  get hasGap(): boolean {
    return this.#missingSince !== undefined;
  }

  /** Why the link is not up, as far as it has said; undefined while it is up. */
  get downReason(): unknown {
    return this.isUp ? undefined : this.#lastReason;
  }

  toUp(): void {
    const now = performance.now();
    const durationMs = Math.round(now - (this.#missingSince ?? now));
    const isBack = this.#wasUp;
    this.#state = "up";
    this.#wasUp = true;
    this.#missingSince = undefined;
    if (channels.backplane.hasSubscribers)
      channels.backplane.publish({ backplane: this.#name, state: "up", durationMs });
    if (!isBack) return;
    const error = createError(
      "SPRY_WS_BACKPLANE_GAP",
      `${this.#name} is back; what other processes published in the last ${durationMs} ms may be missing here`,
    );
    this.#report(Object.assign(error, { durationMs }));
  }

  /** Tells of a change only: not of another reason while the link is down, nor of anything after it has failed for good. */
  toDown(reason: unknown, { permanent = false, lastHeardAt }: BackplaneDownDetails): void {
    const state = permanent ? "failed" : "down";
    const isNews = this.#state !== state && this.#state !== "failed";
    this.#lastReason = reason;
    const now = performance.now();
    this.#missingSince = Math.min(this.#missingSince ?? now, lastHeardAt ?? now);
    if (!isNews) return;
    this.#state = state;
    this.outages++;
    if (channels.backplane.hasSubscribers)
      channels.backplane.publish({ backplane: this.#name, state: "down", error: reason });
    this.#report(this.problem(undefined));
  }

  toClosed(): void {
    this.#state = "closed";
  }

  /**
   * What keeps the backplane from being ready.
   *
   * @param refusal why the broker refuses a subscription, if it does
   */
  problem(refusal: unknown): Error {
    return withReason(`${this.#name} ${states[this.#state]}`, this.isUp ? refusal : this.#lastReason);
  }
}
