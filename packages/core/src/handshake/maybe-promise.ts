import { isThenable } from "../connection/hook-queue.ts";

/** There at once, or promised: most handshakes wait for nothing, and promises would be a good part of what one costs. */
export type MaybePromise<T> = T | Promise<T>;

/** Goes on with a value: at once where it is there. */
export function whenThere<T, R>(
  value: T | PromiseLike<T>,
  next: (value: T) => MaybePromise<R>,
): MaybePromise<R> {
  return isThenable(value) ? Promise.resolve(value as PromiseLike<T>).then(next) : next(value as T);
}

/** `work`, and where it throws or rejects `failed`. */
export function attempt<T>(
  work: () => MaybePromise<T>,
  failed: (error: unknown) => MaybePromise<T>,
): MaybePromise<T> {
  try {
    const result = work();
    return isThenable(result) ? Promise.resolve(result as PromiseLike<T>).catch(failed) : result;
  } catch (error) {
    return failed(error);
  }
}
