/** What a message cost when it was last recorded, and what it costs now; see baseline.mjs. */
export interface Costs {
  readonly heapBytes: number;
  readonly arrayBufferBytes: number;
  readonly writes: number;
}

export interface Baseline {
  readonly node: string;
  readonly commit: string;
  readonly costs: Readonly<Record<string, Readonly<Record<string, Costs>>>>;
}

export interface Measured {
  readonly scene: string;
  readonly server: string;
  readonly costs: Costs;
}

export function compareCosts(
  baseline: Baseline,
  measured: readonly Measured[],
): { readonly more: string[]; readonly less: string[] };

export function baselineOf(measured: readonly Measured[], node: string, commit: string): Baseline;
