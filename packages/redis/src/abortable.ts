/**
 * Waits for work that cannot be told to stop. When it fails, or the signal comes first, `undo` ends what it has begun.
 *
 * @throws what the work rejects with, or the signal's reason
 */
export function abortable<T>(signal: AbortSignal, work: Promise<T>, undo: () => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      signal.removeEventListener("abort", onAbort);
      undo();
      reject(error);
    };
    const onAbort = () => fail(signal.reason);
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
    work.then((value) => {
      signal.removeEventListener("abort", onAbort);
      resolve(value);
    }, fail);
  });
}
