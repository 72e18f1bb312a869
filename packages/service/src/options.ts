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
  /**
   * How many bytes of durable topics are read for one client in a second, on average: what it has missed, and what it asks for with
   * `from`. It gets what is beyond that later. What is published while it follows is not counted.
   * @default 8_388_608 // 8 MiB
   */
  maxReadBytesPerSecond?: number;
  /**
   * How many reads of the store of durable topics may be under way at once, for all clients together; further ones wait. The same number
   * of calls of `snapshot` may be under way besides.
   * @default 64
   */
  maxReads?: number;
  /**
   * How many bytes of the newest messages of durable topics are kept in memory, for all topics together: so those who come back or are
   * slow need no read of the store. One topic keeps 256 KiB at most. As much is kept besides of what was read last.
   * @default 67_108_864 // 64 MiB
   */
  maxTailBytes?: number;
  /**
   * How many members of a topic are sent by name to those who look who is there. Of a topic with more, they are sent only how many there are, and
   * the names again when there are a tenth fewer.
   * @default 1_000
   */
  maxMembers?: number;
  /** How many bytes the data of a member may have, as JSON. More is an error of the `presence` that gives it. @default 1_024 */
  maxMemberBytes?: number;
  /**
   * In how many topics who is there is known to this process while nobody is subscribed to them here as a member, nobody looks and nobody
   * listens: for a minute, and for `graceMs` with the members whose connection has ended. Beyond that the one that was used the longest ago
   * is given up, and those of its members who might have come back have left.
   * @default 10_000
   */
  maxIdleTopics?: number;
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
  maxReadBytesPerSecond: 8_388_608,
  maxReads: 64,
  maxTailBytes: 67_108_864,
  maxMembers: 1_000,
  maxMemberBytes: 1_024,
  maxIdleTopics: 10_000,
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
