/** See histogram.mjs. */
export class LatencyHistogram {
  add(ms: number): void;
  clear(): void;
  quantile(share: number): number;
  quantiles(): { readonly p50Ms: number; readonly p99Ms: number; readonly p999Ms: number };
}
