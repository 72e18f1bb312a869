import { contractError } from "@spry-ws/contract/wire";
import type { HistoryRetention } from "@spry-ws/core";

const defaults: HistoryRetention = { maxMessages: 10_000, maxAgeMs: 86_400_000 };

/**
 * How much of a topic is kept.
 *
 * @throws TypeError `SPRY_WS_CONTRACT` for an unknown option, or one that is not a whole number of at least 1
 */
export function resolveRetention(pattern: string, options: Partial<HistoryRetention> = {}): HistoryRetention {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(defaults, name))
      throw contractError(
        `the topic "${pattern}": "history" has no "${name}"; there are ${Object.keys(defaults).join(" and ")}`,
      );
    if (value !== undefined && (!Number.isSafeInteger(value) || value < 1))
      throw contractError(
        `the topic "${pattern}": "history.${name}" must be a whole number from 1, not ${String(value)}`,
      );
  }
  const { maxMessages = defaults.maxMessages, maxAgeMs = defaults.maxAgeMs } = options;
  return { maxMessages, maxAgeMs };
}
