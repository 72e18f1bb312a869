/** The upper bounds of the buckets, in seconds; one more has what is above them. */
export const bucketBounds: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** How often something took how long. About 250 bytes, however much it counts. */
export class Histogram {
  readonly #counts = new Float64Array(bucketBounds.length + 1);
  #sum = 0;

  observe(ms: number): void {
    const seconds = ms / 1_000;
    let at = 0;
    while (at < bucketBounds.length && seconds > (bucketBounds[at] as number)) at++;
    this.#counts[at] = (this.#counts[at] as number) + 1;
    this.#sum += seconds;
  }

  /** All together, in seconds. */
  get sum(): number {
    return this.#sum;
  }

  /** How often it took at most that long, for each bound; at last, how often in all. */
  get cumulative(): readonly number[] {
    let count = 0;
    return Array.from(this.#counts, (one) => {
      count += one;
      return count;
    });
  }
}
