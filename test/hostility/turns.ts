import { existsSync, readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";

const tickMs = 10;

/** Linux tells of a thread, in nanoseconds, for how long it has run and for how long it was ready to run and had no core. */
const schedstat: string = `/proc/self/task/${process.pid}/schedstat`;
const hasSchedstat: boolean = existsSync(schedstat);

/**
 * What this process did between the ticks of a timer: for how long it computed, and for how long the machine kept it from
 * running. A server that blocks its own event loop computes; one that waits for a core does not.
 *
 * Both are those of the main thread on Linux. Elsewhere the time of all threads stands for what was computed, and the part
 * of a tick's lateness in which nothing was computed for the waiting.
 */
export class Turns {
  #computedMs: number[] = [];
  #waitedMs: number[] = [];
  #last: { nowMs: number; computedMs: number; waitedMs: number | undefined } = clocks();

  constructor() {
    setInterval(() => this.#tick(), tickMs).unref();
  }

  /** The 99th percentiles of the time since the last call. */
  take(): { computedP99Ms: number; waitedP99Ms: number } {
    const figures = { computedP99Ms: p99(this.#computedMs), waitedP99Ms: p99(this.#waitedMs) };
    this.#computedMs = [];
    this.#waitedMs = [];
    return figures;
  }

  #tick(): void {
    const last = this.#last;
    const next = clocks();
    this.#last = next;
    const elapsedMs = next.nowMs - last.nowMs;
    const computedMs = next.computedMs - last.computedMs;
    const waitedMs =
      next.waitedMs === undefined || last.waitedMs === undefined
        ? Math.max(0, elapsedMs - tickMs - computedMs)
        : next.waitedMs - last.waitedMs;
    // Counted as often as there should have been ticks: one long turn weighs as much as it is long.
    for (let i = 0; i < Math.round(elapsedMs / tickMs); i++) {
      this.#computedMs.push(computedMs);
      this.#waitedMs.push(waitedMs);
    }
  }
}

function clocks(): { nowMs: number; computedMs: number; waitedMs: number | undefined } {
  const nowMs = performance.now();
  if (hasSchedstat) {
    const [computed, waited] = readFileSync(schedstat, "latin1").split(" ");
    return { nowMs, computedMs: Number(computed) / 1e6, waitedMs: Number(waited) / 1e6 };
  }
  const { user, system } = process.cpuUsage();
  return { nowMs, computedMs: (user + system) / 1000, waitedMs: undefined };
}

export function p99(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length * 0.99)] ?? 0;
}
