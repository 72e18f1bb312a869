/** Timers cannot wait longer: with a longer time they fire at once. 24.8 days. */
const maxMs = 2 ** 31 - 1;

/** `setTimeout` for a time of any length. */
export function after(ms: number, work: () => void): ReturnType<typeof setTimeout> {
  return setTimeout(work, Math.min(ms, maxMs));
}
