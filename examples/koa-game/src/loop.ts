/** After a longer pause (a suspended laptop, a debugger) time goes on from now, instead of being made up for. */
const longestGapMs = 250;

/** Calls back at a steady rate while it runs. */
export class Loop {
  readonly #stepMs: number;
  readonly #step: () => void;
  readonly #afterSteps: () => void;
  #timer: NodeJS.Timeout | undefined;
  #nextAt = 0;

  /**
   * @param step called once for each step of time, several times in a row where a timer was late
   * @param afterSteps called once after them: what it sends is only worth sending once
   */
  constructor(stepMs: number, step: () => void, afterSteps: () => void) {
    this.#stepMs = stepMs;
    this.#step = step;
    this.#afterSteps = afterSteps;
  }

  get isRunning(): boolean {
    return this.#timer !== undefined;
  }

  start(): void {
    if (this.isRunning) return;
    this.#nextAt = performance.now() + this.#stepMs;
    this.#wait();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #wait(): void {
    this.#timer = setTimeout(() => this.#run(), Math.max(0, this.#nextAt - performance.now()));
  }

  #run(): void {
    const now = performance.now();
    if (now - this.#nextAt > longestGapMs) this.#nextAt = now;
    let steps = 0;
    // The next step is due a fixed time after the last one was due, not after it was done: lateness does not add up.
    for (; this.#nextAt <= now; this.#nextAt += this.#stepMs) {
      this.#step();
      steps++;
    }
    if (steps > 0) this.#afterSteps();
    if (this.isRunning) this.#wait();
  }
}
