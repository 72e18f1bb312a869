import { contractError } from "@spry-ws/contract/wire";

/** What one client may make a service do. Each bound may be raised; none can be switched off. */
export interface ServiceLimits {
  /**
   * Requests and streams of one client that are under way at once, those that it has cancelled among them until their handlers
   * end; further ones fail with `limit`. So many events may be under way beside them.
   * @default 64
   */
  maxRequests?: number;
  /**
   * Topics one client may be subscribed to; further subscriptions are refused. A hello with more than eight times as many closes
   * with 4400.
   * @default 128
   */
  maxSubscriptions?: number;
  /**
   * Bytes of answers that one client has not confirmed; further requests fail with `limit`. One answer always may, whatever
   * its size.
   * @default 4_194_304 // 4 MiB
   */
  maxUnconfirmedBytes?: number;
  /** How many clients whose connection has ended are remembered, for them to come back. @default 10_000 */
  maxAbsentClients?: number;
  /**
   * Bytes of answers that are kept for all clients whose connection has ended; beyond it those that left first are forgotten.
   * @default 67_108_864 // 64 MiB
   */
  maxAbsentBytes?: number;
  /** How long a client that has gone is remembered, with the answers it has not got, in milliseconds. @default 120_000 */
  absentMs?: number;
  /**
   * How often a client hears something, in milliseconds: pages see no pings, and find out so that a connection is dead.
   * @default 25_000
   */
  heartbeatMs?: number;
  /** How long a client may take to say hello, in milliseconds; then it is closed with 4408. @default 10_000 */
  helloTimeoutMs?: number;
}

export type ResolvedLimits = Readonly<Required<ServiceLimits>>;

const defaults: ResolvedLimits = {
  maxRequests: 64,
  maxSubscriptions: 128,
  maxUnconfirmedBytes: 4_194_304,
  maxAbsentClients: 10_000,
  maxAbsentBytes: 67_108_864,
  absentMs: 120_000,
  heartbeatMs: 25_000,
  helloTimeoutMs: 10_000,
};

/** setTimeout's longest delay. */
const maxMs = 2 ** 31 - 1;

/** @throws TypeError `SPRY_WS_CONTRACT` for an unknown limit, or one that is not a whole number of at least 1 */
export function resolveLimits(limits: ServiceLimits = {}): ResolvedLimits {
  for (const [name, value] of Object.entries(limits)) {
    if (!Object.hasOwn(defaults, name))
      throw contractError(
        `createService(): there is no limit "${name}"; the limits are ${Object.keys(defaults).join(", ")}`,
      );
    if (
      value !== undefined &&
      (!Number.isSafeInteger(value) || value < 1 || (name.endsWith("Ms") && value > maxMs))
    )
      throw contractError(
        `createService(): "limits.${name}" must be a whole number from 1${name.endsWith("Ms") ? ` to ${maxMs}` : ""}, not ${String(value)}`,
      );
  }
  const given = Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
  return Object.freeze({ ...defaults, ...given });
}
