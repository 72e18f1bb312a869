import { createError, describe } from "./errors.ts";

/**
 * Checks the names of options: with a misspelt one, a test would silently test something else.
 *
 * @param caller for the texts of errors
 * @throws TypeError `SPRY_WS_TEST_ARGUMENT` for what is no object, for an unknown name, and for a `timeoutMs` that is no valid time
 */
export function assertOptions(options: object, names: readonly string[], caller: string): void {
  const fail = (text: string): never => {
    throw createError("SPRY_WS_TEST_ARGUMENT", `${caller}: ${text}`);
  };
  if (typeof options !== "object" || options === null)
    fail(`options are an object with ${names.join(", ")}, not ${describe(options)}`);
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown !== undefined) fail(`there is no option "${unknown}"; the options are ${names.join(", ")}`);
  const { timeoutMs = 0 } = options as { timeoutMs?: unknown };
  if (!(typeof timeoutMs === "number" && timeoutMs >= 0))
    fail(`"timeoutMs" is a number of milliseconds, or 0 for ever, not ${describe(timeoutMs)}`);
}
