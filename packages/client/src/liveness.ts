/** How much later than announced a heartbeat may come. */
const slackMs = 10_000;
/** How long the answer to a probe may take. */
const probeMs = 3_000;
/** How often the clock is looked at. */
const tickMs = 5_000;

/** What liveness needs of the client. */
export interface LivenessOwner {
  probe(): void;
  /** The connection is dead. */
  dead(): void;
}

/**
 * Notices a dead connection: nothing has come for longer than the interval of heartbeats, or a probe was not answered. When the clock
 * has jumped, the device has slept, and the connection is probed.
 */
export class Liveness {
  readonly #owner: LivenessOwner;
  #heartbeatMs = 0;
  #heardAt = 0;
  #tickedAt = 0;
  #ticks: ReturnType<typeof setInterval> | undefined;
  #probe: ReturnType<typeof setTimeout> | undefined;

  constructor(owner: LivenessOwner) {
    this.#owner = owner;
  }

  start(heartbeatMs: number): void {
    this.stop();
    this.#heartbeatMs = heartbeatMs;
    this.#heardAt = this.#tickedAt = Date.now();
    this.#ticks = setInterval(() => this.#tick(), tickMs);
    // In Node this timer must not keep the process alive: the socket does.
    (this.#ticks as { unref?: () => void }).unref?.();
  }

  stop(): void {
    clearInterval(this.#ticks);
    clearTimeout(this.#probe);
    this.#probe = undefined;
  }

  /** Something has come. */
  heard(): void {
    this.#heardAt = Date.now();
    clearTimeout(this.#probe);
    this.#probe = undefined;
  }

  /** Sends a probe, unless one is still to be answered. */
  doubt(): void {
    if (this.#probe !== undefined) return;
    this.#probe = setTimeout(() => this.#owner.dead(), probeMs);
    this.#owner.probe();
  }

  #tick(): void {
    const now = Date.now();
    const hasSlept = now - this.#tickedAt > 3 * tickMs;
    this.#tickedAt = now;
    if (hasSlept) this.doubt();
    else if (now - this.#heardAt > this.#heartbeatMs + slackMs) this.#owner.dead();
  }
}
