/**
 * The timers of the process as they were when this module was loaded: a test's fake timers, installed later, stop neither
 * its timeouts nor what travels in memory.
 */
const setTimeout: typeof globalThis.setTimeout = globalThis.setTimeout;
export const clearTimeout: typeof globalThis.clearTimeout = globalThis.clearTimeout;
export const setImmediate: typeof globalThis.setImmediate = globalThis.setImmediate;

/** What a timer takes at most: a longer one would fire at once. */
export const longestTimerMs = 2_147_483_647;

/**
 * A timer for a wait; 0: for ever, which is 24 days. There is one in any case: a connection in memory keeps no process alive,
 * and a process that has nothing else to do would end in the middle of the wait.
 */
export function startTimer(expire: () => void, timeoutMs: number): NodeJS.Timeout {
  return setTimeout(expire, timeoutMs > 0 ? Math.min(timeoutMs, longestTimerMs) : longestTimerMs);
}

/**
 * Waits for a promise up to a bound. Rejects only where the promise does.
 *
 * @returns false where the time was over first
 */
export async function within(promise: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<false>((resolve) => {
    timer = startTimer(() => resolve(false), timeoutMs);
  });
  try {
    return await Promise.race([promise.then(() => true), expired]);
  } finally {
    clearTimeout(timer);
  }
}
