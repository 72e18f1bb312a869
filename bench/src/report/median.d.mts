/** From trials to one figure for each contestant; see median.mjs. */
export interface ContestantResult {
  readonly name: string;
  readonly median?: Readonly<Record<string, number>>;
  readonly problem?: string;
}

interface Contestant {
  readonly name: string;
  readonly label: string;
}

export function summarize(
  scene: object,
  contestants: readonly Contestant[],
  trials: ReadonlyMap<Contestant, readonly ({ readonly result: object } | { readonly error: string })[]>,
): { readonly ours: string; readonly results: readonly ContestantResult[] };
