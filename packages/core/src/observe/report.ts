import type { ErrorContext } from "../options.ts";

/** To the option `onError`, or the log where there is none. Never throws: what `onError` throws is printed. */
export function reportError(
  onError: ((error: unknown, context: ErrorContext) => void) | undefined,
  error: unknown,
  context: ErrorContext,
  log: (error: unknown) => void = console.error,
): void {
  try {
    if (onError) onError(error, context);
    else log(error);
  } catch (failure) {
    console.error(failure);
  }
}
