/** When a measurement ran; see laps.mjs. */
export function countWithin(
  laps: readonly (readonly [beginMs: number, endMs: number])[],
  timesMs: readonly number[],
): number;
