import { contractError } from "@spry-ws/contract/wire";

/** What one client may make a service do. Each bound may be raised; none can be switched off. */
export interface ServiceLimits {
  /**
   * How many requests and streams of one client may be under way at once; further ones fail with `limit`. A cancelled request counts
   * until its handler has ended. The same number of events may be under way besides.
   * @default 64
   */
  maxRequests?: number;
  /**
   * How many topics one client may be subscribed to; further subscriptions are refused. A hello with more than eight times as many
   * closes the connection with 4400.
   * @default 128
   */
  maxSubscriptions?: number;
  /**
   * How many bytes of answers one client may leave unconfirmed; then further requests fail with `limit`. A single answer may be larger.
   * @default 4_194_304 // 4 MiB
   */
  maxUnconfirmedBytes?: number;
  /** How many clients are remembered whose connection has ended, as they may come back. @default 10_000 */
  maxAbsentClients?: number;
  /**
   * How many bytes of answers are kept for all clients together whose connection has ended; with more, the clients that left first are
   * forgotten.
   * @default 67_108_864 // 64 MiB
   */
  maxAbsentBytes?: number;
  /** How long a client that has gone is remembered, with the answers it has not confirmed, in milliseconds. @default 120_000 */
  absentMs?: number;
  /**
   * How often each client is sent a heartbeat, in milliseconds. Pages do not see pings: by heartbeats they notice a dead connection.
   * @default 25_000
   */
  heartbeatMs?: number;
  /** How long a client may take to send its hello, in milliseconds; then it is closed with 4408. @default 10_000 */
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
