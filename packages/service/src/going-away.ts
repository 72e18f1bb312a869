/** How many clients come back in a second, on average, however many there are. */
const clientsPerSecond = 1_000;

/** The shortest and the longest time over which they are spread, in milliseconds. */
const [shortestMs, longestMs] = [500, 30_000];

/**
 * When a client comes back whose service goes away, in milliseconds: at random, so that those of a process do not all shake hands
 * at once with the one that takes its place.
 *
 * @param clients how many there are
 */
export function retryAfterMs(clients: number): number {
  const spreadMs = Math.min(longestMs, Math.max(shortestMs, (clients / clientsPerSecond) * 1_000));
  return Math.floor(Math.random() * spreadMs);
}
