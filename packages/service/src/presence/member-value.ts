import { createError, describe } from "@spry-ws/core/adapter";

/** The longest key of a member, in UTF-16 code units. */
const maxKeyLength = 256;

/** The data of a member, by one connection of it. */
export interface MemberValue {
  /**
   * When it was set, as a count that grows along the topic: each process counts on from the highest it has seen. So the later one of
   * two has the higher stamp wherever the later process knew of the earlier one, and no clocks are compared.
   */
  readonly stamp: number;
  /** Undefined for a member without data. */
  readonly json: string | undefined;
  /** What has been read from `json`, so that it is the same in all processes, and nobody's later change of it is half of an update. */
  readonly data: unknown;
}

export function valueFrom(stamp: number, json: string | undefined): MemberValue {
  return { stamp, json, data: json === undefined ? undefined : JSON.parse(json) };
}

/**
 * Writes the data of a member, as it is kept and sent.
 *
 * @throws TypeError `SPRY_WS_DATA` for data that JSON cannot write, or that has too many bytes
 */
export function jsonOf(key: string, data: unknown, maxBytes: number): string | undefined {
  let json: string | undefined;
  try {
    json = JSON.stringify(data);
  } catch (cause) {
    throw createError("SPRY_WS_DATA", `the data of ${named(key)} cannot be written as JSON`, cause);
  }
  if (json === undefined && data !== undefined)
    throw createError(
      "SPRY_WS_DATA",
      `the data of ${named(key)} is ${describe(data)}, which JSON cannot write`,
    );
  const bytes = json === undefined ? 0 : Buffer.byteLength(json);
  if (bytes > maxBytes)
    throw createError(
      "SPRY_WS_DATA",
      `the data of ${named(key)} has ${bytes} bytes as JSON, and may have ${maxBytes}: give what all others are to see of it, ` +
        "such as a name, or raise the bound",
    );
  return json;
}

/** @throws TypeError `SPRY_WS_DATA` for what is no key */
export function assertKey(key: unknown): asserts key is string {
  if (typeof key !== "string")
    throw createError(
      "SPRY_WS_DATA",
      `the key of a member is a string, like the id of a user, not ${describe(key)}`,
    );
  if (key === "" || key.length > maxKeyLength)
    throw createError(
      "SPRY_WS_DATA",
      `the key of a member has 1 to ${maxKeyLength} characters: not ${JSON.stringify(key.slice(0, 64))}`,
    );
}

function named(key: string): string {
  return `the member ${JSON.stringify(key.slice(0, 64))}`;
}
