import { createError } from "@spry-ws/core/adapter";

/** Whether the store of the durable topics can be used. Reports each outage once. */
export class StoreState {
  readonly #name: string;
  readonly #report: (error: unknown) => void;
  #isUp = false;
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
    this.#isUp = false;
    this.#isDownReported = false;
  }

  toUp(): void {
    this.#isUp = true;
    this.#isDownReported = false;
    this.#wake();
  }

  toDown(reason: unknown, isPermanent: boolean): void {
    this.#isUp = false;
    if (this.#isDownReported) return;
    this.#isDownReported = true;
    const state = isPermanent ? "cannot be used" : "cannot be reached; durable topics wait until it is back";
    this.tell(`${this.#name} ${state}`, reason);
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
    const reason = cause instanceof Error ? cause.message : cause === undefined ? "" : String(cause);
    this.#report(createError("SPRY_WS_HISTORY", reason ? `${text}: ${reason}` : text, cause));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
