import { createError } from "@spry-ws/core/adapter";
import type { PresenceOptions } from "./view.ts";

export type ResolvedPresenceOptions = Readonly<Required<PresenceOptions>>;

const defaults: ResolvedPresenceOptions = { graceMs: 10_000, maxDataBytes: 1_024 };

/** The smallest and the largest value of each. An hour: who is away for longer is not there. */
const ranges: Readonly<Record<keyof PresenceOptions, readonly [number, number]>> = {
  graceMs: [0, 3_600_000],
  maxDataBytes: [1, 65_536],
};

/** @throws TypeError `SPRY_WS_OPTION` for an option that is unknown or out of range */
export function resolvePresenceOptions(options: PresenceOptions, caller: string): ResolvedPresenceOptions {
  for (const [name, value] of Object.entries(options) as [keyof PresenceOptions, unknown][]) {
    if (!Object.hasOwn(defaults, name))
      throw createError(
        "SPRY_WS_OPTION",
        `${caller}: there is no option "${name}"; there are spry, topic, ${Object.keys(defaults).join(", ")}`,
      );
    const [least, most] = ranges[name];
    const isFine = Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
    if (value !== undefined && !isFine)
      throw createError(
        "SPRY_WS_OPTION",
        `${caller}: "${name}" must be a whole number from ${least} to ${most}, not ${String(value)}`,
      );
  }
  return {
    graceMs: options.graceMs ?? defaults.graceMs,
    maxDataBytes: options.maxDataBytes ?? defaults.maxDataBytes,
  };
}
