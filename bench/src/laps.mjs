// When a measurement ran, on a clock that all processes of a machine share.

/** Milliseconds since 1970, with their fractions. */
export const sharedClockMs = () => performance.timeOrigin + performance.now();

/**
 * @param {readonly (readonly [beginMs: number, endMs: number])[]} laps
 * @param {readonly number[]} timesMs
 * @returns {number} how many of the times are in one of the laps
 */
export function countWithin(laps, timesMs) {
  return timesMs.filter((ms) => laps.some(([begin, end]) => begin <= ms && ms <= end)).length;
}
