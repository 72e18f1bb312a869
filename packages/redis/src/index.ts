export { type RedisHistoryOptions, redisHistory } from "./history.ts";
export { type RedisOptions, redis } from "./redis.ts";
export type {
  BufferListener,
  IoRedisClusterLike,
  IoRedisLike,
  IoRedisOptionsLike,
  IoRedisPipelineLike,
  NodeRedisClusterLike,
  NodeRedisLike,
  NodeRedisNodeLike,
  NodeRedisSentinelLike,
  RedisLike,
} from "./types.ts";
