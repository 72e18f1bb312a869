import { createError, describe } from "@spry-ws/core/adapter";
import type { RedisBroker } from "./broker.ts";
import { brokerOf, has } from "./broker-of.ts";
import { isWellFormed } from "./channel.ts";
import type { RedisLike } from "./types.ts";

/** The options that every use of Redis has. */
interface CommonOptions {
  client: RedisLike;
  prefix?: string;
  pingIntervalMs?: number;
}

/** What setTimeout takes at most. */
const longestIntervalMs = 2_147_483_647;

/**
 * Checks the options that every use of Redis has.
 *
 * @param caller the function they were given to
 * @param names of all its options
 * @param defaultPrefix what begins the names in Redis
 * @throws TypeError `SPRY_WS_OPTION`
 */
export function commonOptions(
  caller: string,
  options: CommonOptions,
  names: readonly string[],
  defaultPrefix: string,
): { broker: RedisBroker; prefix: string; pingIntervalMs: number } {
  const fail = (text: string): never => {
    throw createError("SPRY_WS_OPTION", text);
  };
  if (typeof options === "string" || has(options, "duplicate"))
    fail(
      `${caller}(options) takes an object with the client, not ${describe(options)}: write ${caller}({ client })`,
    );
  const { client, prefix = defaultPrefix, pingIntervalMs = 15_000 } = Object(options) as CommonOptions;
  const unknown = Object.keys(Object(options)).find((name) => !names.includes(name));
  if (unknown !== undefined)
    fail(`${caller}() has no option "${unknown}"; the options are ${names.join(", ")}`);
  if (typeof prefix !== "string" || !isWellFormed(prefix))
    fail(`"prefix" must be a string without lone surrogates, not ${describe(prefix)}`);
  checkMs("pingIntervalMs", pingIntervalMs, longestIntervalMs);
  return { broker: brokerOf(client, caller), prefix, pingIntervalMs };
}

/** @throws TypeError `SPRY_WS_OPTION` for what is no whole number from 0 to `most` */
export function checkMs(name: string, value: unknown, most: number): void {
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > most)
    throw createError(
      "SPRY_WS_OPTION",
      `"${name}" must be a whole number from 0 to ${most}, not ${String(value)}`,
    );
}
