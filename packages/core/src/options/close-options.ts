import type { CloseOptions } from "../connection/close-all.ts";
import { createError, describe } from "../errors.ts";
import { assertCloseCode, fitReason } from "../frames/close-frame.ts";
import { maxTimeoutMs } from "../timers.ts";

const defaults: Required<CloseOptions> = { code: 1001, reason: "", deadlineMs: 10_000, jitterMs: 0 };

/**
 * Fills in what is left out.
 *
 * @param caller for the texts of errors, and `group` for the names in them: `spryWs(options)` and `shutdown`
 * @throws TypeError `SPRY_WS_OPTION`, RangeError `SPRY_WS_CLOSE` for a code that must not be sent
 */
export function resolveCloseOptions(
  given: CloseOptions = {},
  caller: string,
  group = "",
  fallback: Required<CloseOptions> = defaults,
): Required<CloseOptions> {
  const prefix = group && `${group}.`;
  const fail = (text: string): never => {
    throw createError("SPRY_WS_OPTION", `${caller}: ${text}`);
  };
  const wrong = (name: string, expected: string, value: unknown): never =>
    fail(`"${name}" must be ${expected}, not ${typeof value === "number" ? value : describe(value)}`);

  if (typeof given !== "object" || given === null) wrong(group || "options", "an object of options", given);
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(defaults, name));
  if (unknown !== undefined)
    fail(`there is no option "${prefix}${unknown}"; there are ${Object.keys(defaults).join(", ")}`);
  const said = Object.entries(given).filter(([, value]) => value !== undefined);
  const resolved = { ...fallback, ...Object.fromEntries(said) };
  const { code, reason, deadlineMs, jitterMs } = resolved;
  assertCloseCode(code);
  if (typeof reason !== "string") wrong(`${prefix}reason`, "a string", reason);
  if (!isDuration(deadlineMs))
    wrong(`${prefix}deadlineMs`, "a number of milliseconds, or Infinity", deadlineMs);
  if (!isDuration(jitterMs) || jitterMs > maxTimeoutMs)
    wrong(`${prefix}jitterMs`, `a number of milliseconds, ${maxTimeoutMs} at most`, jitterMs);
  return Object.freeze({ ...resolved, reason: fitReason(reason) });
}

function isDuration(value: unknown): boolean {
  return typeof value === "number" && value >= 0;
}
