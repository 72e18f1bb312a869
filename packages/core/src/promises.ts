/** Whether a value has to be waited for. Its `then` may be a getter that throws. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

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

/** Promise.try, which Node has from 24 on: a call of a link that throws, though it should reject, must not end the process. */
export async function promiseTry<T>(call: () => Promise<T>): Promise<T> {
  return call();
}

/** What `withResolvers` makes. */
export interface PromiseWithResolvers {
  readonly promise: Promise<void>;
  resolve(): void;
}

/** Promise.withResolvers, which Node has from 22 on. */
export function withResolvers(): PromiseWithResolvers {
  let resolve!: () => void;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
