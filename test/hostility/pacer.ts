import { setTimeout as sleep } from "node:timers/promises";
import { settings } from "./settings.ts";

/**
 * Says when the next attack may begin: so many a second, and not while the attacker or the server has computed for more
 * than its share of the time.
 */
export class Pacer {
  readonly #startedAt = performance.now();
  readonly #attackerStart = process.cpuUsage();
  #serverStartMs: number | undefined;
  #serverMs = 0;
  #begun = 0;

  /** @param cpuMs since the server's start */
  serverHasUsed(cpuMs: number): void {
    this.#serverStartMs ??= cpuMs;
    this.#serverMs = cpuMs - this.#serverStartMs;
  }

  get elapsedMs(): number {
    return performance.now() - this.#startedAt;
  }

  get attackerShare(): number {
    const { user, system } = process.cpuUsage(this.#attackerStart);
    return (user + system) / 1000 / this.elapsedMs;
  }

  get serverShare(): number {
    return this.#serverMs / this.elapsedMs;
  }

  /** @param isOver ends the wait: what computes too much may do so for ever */
  async turn(isOver: () => boolean): Promise<void> {
    const dueMs = (this.#begun++ * 1000) / settings.maxAttacksPerSecond;
    if (dueMs > this.elapsedMs) await sleep(dueMs - this.elapsedMs);
    while (!isOver() && Math.max(this.attackerShare, this.serverShare) > settings.maxCpuShare) await sleep(5);
  }
}
