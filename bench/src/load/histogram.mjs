const STEP_MS = 0.005;
const BUCKETS = 400_000; // 2 seconds

/** Latencies in steps of 5 µs, up to 2 s; longer ones count as 2 s. */
export class LatencyHistogram {
  #buckets = new Uint32Array(BUCKETS);
  #count = 0;

  add(ms) {
    this.#buckets[Math.max(0, Math.min(BUCKETS - 1, Math.floor(ms / STEP_MS)))]++;
    this.#count++;
  }

  clear() {
    this.#buckets.fill(0);
    this.#count = 0;
  }

  /** @param {number} share 0.99: the time within which 99 % were back, in milliseconds */
  quantile(share) {
    let rest = this.#count * share;
    for (let i = 0; i < BUCKETS; i++) {
      rest -= this.#buckets[i];
      if (rest <= 0) return (i + 1) * STEP_MS;
    }
    return BUCKETS * STEP_MS;
  }

  /** As a part of a scene's result. */
  quantiles() {
    return { p50Ms: this.quantile(0.5), p99Ms: this.quantile(0.99), p999Ms: this.quantile(0.999) };
  }
}
