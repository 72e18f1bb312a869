export { type RedisOptions, redis } from "./redis.ts";
export type {
  BufferListener,
  IoRedisClusterLike,
  IoRedisLike,
  IoRedisPipelineLike,
  NodeRedisClusterLike,
  NodeRedisLike,
  NodeRedisNodeLike,
  RedisLike,
} from "./types.ts";
