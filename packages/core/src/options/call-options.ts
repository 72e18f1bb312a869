import { createError, describe } from "../errors.ts";

/**
 * The value of the only option of a call, a duration in milliseconds: `ready({ timeoutMs })`.
 *
 * @param caller for the texts of errors
 * @throws TypeError `SPRY_WS_OPTION` for an unknown option, and for what is no duration
 */
export function durationOf(
  options: object | undefined,
  name: string,
  fallbackMs: number,
  caller: string,
): number {
  if (options === undefined) return fallbackMs;
  assertNames(options, name, caller);
  const value: unknown = (options as Readonly<Record<string, unknown>>)[name] ?? fallbackMs;
  if (typeof value === "number" && value >= 0) return value;
  const shown = typeof value === "number" ? value : describe(value);
  throw createError(
    "SPRY_WS_OPTION",
    `${caller}: "${name}" must be a number of milliseconds, or Infinity, not ${shown}`,
  );
}

/** Options of `count()`. */
export interface CountOptions {
  /** How long to wait for the answers of other processes, in milliseconds; up to 60_000. @default 500 */
  waitMs?: number;
}

/** @throws TypeError `SPRY_WS_OPTION` for an unknown option, and for what is no such duration */
export function waitOf(options: CountOptions | undefined, caller: string): number {
  const waitMs = durationOf(options, "waitMs", 500, caller);
  if (waitMs <= 60_000) return waitMs;
  throw createError("SPRY_WS_OPTION", `${caller}: "waitMs" must be 60_000 at most, not ${waitMs}`);
}

/**
 * Whether a message is to be compressed; undefined if the options do not say. It creates no objects, as every `send` calls it.
 *
 * @throws TypeError `SPRY_WS_OPTION` for an unknown option, and for what is neither true nor false
 */
export function compressOf(options: { readonly compress?: unknown }, caller: string): boolean | undefined {
  assertNames(options, "compress", caller);
  const { compress } = options;
  if (compress === undefined || typeof compress === "boolean") return compress;
  throw createError(
    "SPRY_WS_OPTION",
    `${caller}: "compress" must be true or false, not ${describe(compress)}`,
  );
}

function assertNames(options: object, only: string, caller: string): void {
  if (typeof options !== "object" || options === null)
    throw createError(
      "SPRY_WS_OPTION",
      `${caller} takes { ${only} } as its options, not ${describe(options)}`,
    );
  for (const name in options)
    if (name !== only)
      throw createError("SPRY_WS_OPTION", `${caller}: there is no option "${name}"; there is ${only}`);
}
