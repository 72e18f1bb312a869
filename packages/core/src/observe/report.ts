import type { ErrorContext } from "../options/options.ts";
import { isThenable } from "../promises.ts";

/** Gives an error to the option `onError`, or to the log if there is none. Both may be async. Never throws. */
export function reportError(
  onError: ((error: unknown, context: ErrorContext) => unknown) | undefined,
  error: unknown,
  context: ErrorContext,
  log: (error: unknown) => unknown = console.error,
): void {
  const failed = (failure: unknown): void => {
    // The error itself is printed too: nobody has seen it yet.
    print(failure);
    print(error);
  };
  try {
    const result = onError ? onError(error, context) : log(error);
    if (isThenable(result)) Promise.resolve(result).then(undefined, failed);
  } catch (failure) {
    failed(failure);
  }
}

function print(error: unknown): void {
  try {
    console.error(error);
  } catch {
    // An application may have replaced console.error.
  }
}
