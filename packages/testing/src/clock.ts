/**
 * The timers of the process as they were when this module was loaded. Fake timers that a test installs later stop neither the
 * timeouts of this package nor connections in memory.
 */
const setTimeout: typeof globalThis.setTimeout = globalThis.setTimeout;
export const clearTimeout: typeof globalThis.clearTimeout = globalThis.clearTimeout;
export const setImmediate: typeof globalThis.setImmediate = globalThis.setImmediate;

/** The longest delay of a timer, in milliseconds: with a longer one it would fire at once. */
export const longestTimerMs = 2_147_483_647;

/**
 * Starts the timer of a wait. A `timeoutMs` of 0 means for ever, which is 24 days here. There is a timer in any case: a connection in
 * memory does not keep the process alive, and without a timer the process could exit in the middle of the wait.
 */
export function startTimer(expire: () => void, timeoutMs: number): NodeJS.Timeout {
  return setTimeout(expire, timeoutMs > 0 ? Math.min(timeoutMs, longestTimerMs) : longestTimerMs);
}

/** Waits for so many milliseconds. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Waits for a promise, for no longer than `timeoutMs`. Rejects only if the promise does.
 *
 * @returns false if the time was over first
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
