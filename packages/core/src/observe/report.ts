import type { ErrorContext } from "../options/options.ts";
import { isThenable } from "../promises.ts";

/** To the option `onError`, or the log where there is none; either may be async. Never throws. */
export function reportError(
  onError: ((error: unknown, context: ErrorContext) => unknown) | undefined,
  error: unknown,
  context: ErrorContext,
  log: (error: unknown) => unknown = console.error,
): void {
  const failed = (failure: unknown): void => {
    // Nobody has seen the error itself yet.
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
    // An application may have put something of its own there.
  }
}
