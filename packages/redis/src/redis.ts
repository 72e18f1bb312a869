import type { Backplane } from "@spry-ws/core";
import { createError, describe } from "@spry-ws/core/adapter";
import type { RedisBroker } from "./broker.ts";
import { isWellFormed } from "./channel.ts";
import { ioredisBroker, ioredisClusterBroker } from "./ioredis.ts";
import { ioredisSentinelBroker } from "./ioredis-sentinel.ts";
import { RedisLink } from "./link.ts";
import { nodeRedisBroker, nodeRedisClusterBroker } from "./node-redis.ts";
import { nodeRedisSentinelBroker } from "./node-redis-sentinel.ts";
import type {
  IoRedisClusterLike,
  IoRedisLike,
  IoRedisOptionsLike,
  NodeRedisClusterLike,
  NodeRedisLike,
  NodeRedisSentinelLike,
  RedisLike,
} from "./types.ts";

/** Options of `redis()`. */
export interface RedisOptions {
  /**
   * A client of ioredis (`new Redis(…)`, `new Cluster(…)`) or of node-redis (`createClient(…)`, `createCluster(…)`,
   * `createSentinel(…)`). It says where Redis is and how to connect: the backplane makes connections of its own with
   * `client.duplicate()`, and neither uses this one, nor connects or closes it. So it may be connected or not, and in use for
   * anything. A sentinel client of node-redis 5 cannot be duplicated, so it has to be connected: the backplane asks it for the master.
   */
  client: RedisLike;
  /**
   * The first part of the names of all channels. All processes of an application need the same prefix. Applications that share a Redis
   * need different ones, and none may be the beginning of another.
   *
   * @default "spry-ws:"
   */
  prefix?: string;
  /**
   * How often Redis is sent a PING, and asked whether it still is the master, in milliseconds. If it has not answered when the next
   * PING is due, or has become a replica, the connection is given up and made anew. 0 switches this off: a dead connection is then
   * noticed only when the operating system notices it, and a server that has become a replica never.
   *
   * @default 15_000 // 15 seconds
   */
  pingIntervalMs?: number;
}

const longestIntervalMs = 2_147_483_647;

/**
 * Joins the processes that use the same Redis: what one publishes to a topic reaches the subscribers in all of them.
 *
 * @example
 * const spry = spryWs({ backplane: redis({ client: new Redis("redis://localhost") }) });
 *
 * @throws TypeError `SPRY_WS_OPTION` when an option is unknown or has no meaning
 */
export function redis(options: RedisOptions): Backplane {
  if (typeof options === "string" || has(options, "duplicate"))
    throw createError(
      "SPRY_WS_OPTION",
      `redis(options) takes an object with the client, not ${describe(options)}: write redis({ client })`,
    );
  const { client, prefix = "spry-ws:", pingIntervalMs = 15_000, ...others } = Object(options) as RedisOptions;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw createError(
      "SPRY_WS_OPTION",
      `redis() has no option "${unknown}"; the options are client, prefix, pingIntervalMs`,
    );
  if (typeof prefix !== "string" || !isWellFormed(prefix))
    throw createError(
      "SPRY_WS_OPTION",
      `"prefix" must be a string without lone surrogates, not ${describe(prefix)}`,
    );
  if (!Number.isInteger(pingIntervalMs) || pingIntervalMs < 0 || pingIntervalMs > longestIntervalMs)
    throw createError(
      "SPRY_WS_OPTION",
      `"pingIntervalMs" must be a whole number from 0 to ${longestIntervalMs}, not ${String(pingIntervalMs)}`,
    );
  const broker = brokerOf(client);
  return { name: "redis", open: (events) => new RedisLink(broker, { prefix, pingIntervalMs }, events) };
}

/** Tells the clients apart by their methods: to import their classes would make both libraries a dependency. */
function brokerOf(client: RedisLike): RedisBroker {
  if (has(client, "getMasterNode") && has(client, "_execute"))
    return nodeRedisSentinelBroker(client as NodeRedisSentinelLike);
  if (has(client, "duplicate")) {
    if (has(client, "pipeline") && has(client, "disconnect")) {
      if ("isCluster" in client && client.isCluster)
        return ioredisClusterBroker(client as IoRedisClusterLike);
      const { sentinels } = Object((client as IoRedisLike).options) as IoRedisOptionsLike;
      return sentinels ? ioredisSentinelBroker(client as IoRedisLike) : ioredisBroker(client as IoRedisLike);
    }
    if (has(client, "sendCommand") && has(client, "destroy"))
      return has(client, "nodeClient")
        ? nodeRedisClusterBroker(client as NodeRedisClusterLike)
        : nodeRedisBroker(client as NodeRedisLike);
  }
  const hint =
    typeof client === "string"
      ? `redis({ client: new Redis(${JSON.stringify(withoutPassword(client))}) })`
      : "redis({ client: new Redis() }) with ioredis, redis({ client: createClient() }) with node-redis";
  throw createError(
    "SPRY_WS_OPTION",
    `"client" must be a client of ioredis 5 or node-redis 5, or of a later version, not ${describe(client)}: write ${hint}`,
  );
}

function has(value: unknown, method: string): boolean {
  return typeof (Object(value) as Record<string, unknown>)[method] === "function";
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^@/]*@/, "//…@");
}
