/** Whether a value has to be waited for. Its `then` may be a getter that throws. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

/** There at once, or promised: most handshakes wait for nothing, and promises would be a good part of what one costs. */
export type MaybePromise<T> = T | Promise<T>;

/**
 * Goes on with a value: at once where it is there.
 *
 * @param context given to `next`, which needs no closure then
 */
export function whenThere<T, R>(
  value: T | PromiseLike<T>,
  next: (value: T) => MaybePromise<R>,
): MaybePromise<R>;
export function whenThere<T, R, Context>(
  value: T | PromiseLike<T>,
  next: (value: T, context: Context) => MaybePromise<R>,
  context: Context,
): MaybePromise<R>;
export function whenThere<T, R, Context>(
  value: T | PromiseLike<T>,
  next: (value: T, context?: Context) => MaybePromise<R>,
  context?: Context,
): MaybePromise<R> {
  return isThenable(value) ? whenSettled(value as PromiseLike<T>, next, context) : next(value as T, context);
}

/** A function of its own: closures cost where they could be made, even if they are not. */
function whenSettled<T, R, Context>(
  value: PromiseLike<T>,
  next: (value: T, context?: Context) => MaybePromise<R>,
  context: Context | undefined,
): Promise<R> {
  return Promise.resolve(value).then((value) => next(value, context));
}

/** `work`, and where it throws or rejects `failed`. */
export function attempt<T>(
  work: () => MaybePromise<T>,
  failed: (error: unknown) => MaybePromise<T>,
): MaybePromise<T>;
/**
 * `work`, and where it throws or rejects `failed`.
 *
 * @param context given to both, which need no closures then
 */
export function attempt<T, Context>(
  work: (context: Context) => MaybePromise<T>,
  failed: (error: unknown, context: Context) => MaybePromise<T>,
  context: Context,
): MaybePromise<T>;
export function attempt<T, Context>(
  work: (context?: Context) => MaybePromise<T>,
  failed: (error: unknown, context?: Context) => MaybePromise<T>,
  context?: Context,
): MaybePromise<T> {
  try {
    const result = work(context);
    return isThenable(result) ? orElse(result as PromiseLike<T>, failed, context) : result;
  } catch (error) {
    return failed(error, context);
  }
}

function orElse<T, Context>(
  result: PromiseLike<T>,
  failed: (error: unknown, context?: Context) => MaybePromise<T>,
  context: Context | undefined,
): Promise<T> {
  return Promise.resolve(result).catch((error: unknown) => failed(error, context));
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
