import { createError, notAppended } from "@spry-ws/core/adapter";
import { UpWaiters } from "./up-waiters.ts";

/** Whether the store of the durable topics can be used. Reports each outage once. */
export class StoreState {
  readonly #name: string;
  readonly #report: (error: unknown) => void;
  #isUp = false;
  /** It could be used at least once since the link was opened. */
  #wasUp = false;
  /** Why it cannot be used, as far as it has said. */
  #downReason: unknown;
  /** Not without a change by the user. */
  #isRefused = false;
  readonly #waiters = new UpWaiters();
  #isDownReported = false;
  #isFailureReported = false;
  #waiting: (() => void)[] = [];

  /** @param name of the history, for the texts of errors */
  constructor(name: string, report: (error: unknown) => void) {
    this.#name = name;
    this.#report = report;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** The link was closed: the next one is not up yet. */
  reset(): void {
    this.#setUp(false);
    this.#wasUp = false;
    this.#isDownReported = false;
    this.#waiters.fail();
  }

  toUp(): void {
    this.#setUp(true);
    this.#wasUp = true;
    this.#isDownReported = false;
    this.#waiters.start();
    this.#wake();
  }

  toDown(reason: unknown, isPermanent: boolean): void {
    this.#setUp(false, reason, isPermanent);
    if (isPermanent) this.#waiters.fail();
    if (this.#isDownReported) return;
    this.#isDownReported = true;
    const state = isPermanent ? "cannot be used" : "cannot be reached; durable topics wait until it is back";
    this.tell(`${this.#name} ${state}`, reason);
  }

  /**
   * Resolves when the store can be used.
   *
   * @throws Error `SPRY_WS_HISTORY` (rejects) after `timeoutMs`, or as soon as it is clear that it cannot
   */
  async ready(timeoutMs: number): Promise<void> {
    if (this.#isUp) return;
    const failure = () => this.#notReady(timeoutMs);
    if (this.#isRefused) throw failure();
    await this.#waiters.run(timeoutMs, async () => {}, failure);
  }

  /**
   * Begins what needs the store: at once if it could be used before, else when it can, in the order of the calls.
   *
   * @throws Error `SPRY_WS_NOT_PUBLISHED` (rejects) after `timeoutMs`, or as soon as it is clear that it cannot
   */
  onceReached<T>(timeoutMs: number, work: () => Promise<T>): Promise<T> {
    if (this.#wasUp) return work();
    const failure = () => notAppended(this.#notReady(timeoutMs));
    if (this.#isRefused) return Promise.reject(failure());
    return this.#waiters.run(timeoutMs, work, failure);
  }

  /** A call has failed that will be tried again. Reported once, until one has succeeded. */
  failed(what: string, cause: unknown): void {
    if (!this.#isUp || this.#isFailureReported) return;
    this.#isFailureReported = true;
    this.tell(`${this.#name} cannot ${what}, which is tried again`, cause);
  }

  succeeded(): void {
    this.#isFailureReported = false;
  }

  /** Resolves when the store can be used, and no sooner than after a pause; but after `ms` in any case. */
  async upOrAfter(ms: number): Promise<void> {
    if (this.#isUp) return sleep(ms);
    let wake = () => {};
    const isUp = new Promise<void>((resolve) => {
      wake = resolve;
      this.#waiting.push(resolve);
    });
    await Promise.race([isUp, sleep(ms)]);
    this.#waiting = this.#waiting.filter((one) => one !== wake);
  }

  tell(text: string, cause: unknown): void {
    this.#report(historyError(text, cause));
  }

  #setUp(isUp: boolean, downReason?: unknown, isRefused = false): void {
    this.#isUp = isUp;
    this.#downReason = downReason;
    this.#isRefused = isRefused;
  }

  #notReady(timeoutMs: number): Error {
    const problem = this.#isRefused ? "cannot be used" : `could not be reached within ${timeoutMs} ms`;
    return historyError(`${this.#name} ${problem}`, this.#downReason);
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

function historyError(text: string, cause: unknown): Error {
  const reason = cause instanceof Error ? cause.message : cause === undefined ? "" : String(cause);
  return createError("SPRY_WS_HISTORY", reason ? `${text}: ${reason}` : text, cause);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
