import { createError, describe } from "@spry-ws/core/adapter";
import type { RedisBroker } from "./broker.ts";
import { ioredisBroker, ioredisClusterBroker } from "./ioredis.ts";
import { ioredisSentinelBroker } from "./ioredis-sentinel.ts";
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

/**
 * Tells the clients apart by their methods: to import their classes would make both libraries a dependency.
 *
 * @param caller for the text of the error
 */
export function brokerOf(client: RedisLike, caller: string): RedisBroker {
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
      ? `${caller}({ client: new Redis(${JSON.stringify(withoutPassword(client))}) })`
      : `${caller}({ client: new Redis() }) with ioredis, ${caller}({ client: createClient() }) with node-redis`;
  throw createError(
    "SPRY_WS_OPTION",
    `"client" must be a client of ioredis 5 or node-redis 5, or of a later version, not ${describe(client)}: write ${hint}`,
  );
}

export function has(value: unknown, method: string): boolean {
  return typeof (Object(value) as Record<string, unknown>)[method] === "function";
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^@/]*@/, "//…@");
}
