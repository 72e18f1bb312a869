import { assertCloseCode, fitReason } from "../close-frame.ts";
import { createError, describe } from "../errors.ts";
import { maxTimeoutMs } from "../timers.ts";

/** Options of `spry.close`, and the option `shutdown`. */
export interface CloseOptions {
  /** The code of the close frames. @default 1001 // going away */
  code?: number;
  /** The reason in the close frames, up to 123 bytes. @default "" */
  reason?: string;
  /**
   * How long closing may take altogether, in milliseconds. In the first half, hooks may finish, and handle the messages that have been
   * received; after that, every peer that has not been sent a close frame is sent one. When a tenth of the time is left, peers that
   * have not answered are terminated. The last tenth is for their `close` hooks and the backplane. 0 terminates at once, `Infinity`
   * waits as long as it takes.
   * @default 10_000 // 10 seconds
   */
  deadlineMs?: number;
  /**
   * Spreads the close frames over this time at random, in milliseconds, so that not all clients come back at once. At most half of
   * `deadlineMs` is used.
   * @default 0
   */
  jitterMs?: number;
}

const defaults: Required<CloseOptions> = { code: 1001, reason: "", deadlineMs: 10_000, jitterMs: 0 };

/**
 * Checks the options, and fills in what is left out.
 *
 * @param caller for the texts of errors, like `spryWs(options)`
 * @param group the option that these are in, for the names in those texts, like `shutdown`; empty if there is none
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
