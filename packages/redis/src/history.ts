import type { History } from "@spry-ws/core";
import { createError } from "@spry-ws/core/adapter";
import { RedisHistoryLink } from "./history-link.ts";
import { checkMs, commonOptions } from "./options.ts";
import type { RedisLike } from "./types.ts";

/** Options of `redisHistory()`. */
export interface RedisHistoryOptions {
  /**
   * A client of ioredis or node-redis, as `redis()` takes it: it says where Redis is, and connections of its own are made with
   * `client.duplicate()`. A cluster has to be Redis 7 or later, one server 6.2 or later.
   */
  client: RedisLike;
  /**
   * The first part of the names of all keys and channels, without braces. All processes of an application need the same prefix.
   * Applications that share a Redis need different ones, and none may be the beginning of another, nor of the prefix of a backplane.
   *
   * @default "spry-ws-history:"
   */
  prefix?: string;
  /**
   * How long Redis remembers a topic that nobody appends to, subscribes to or reads, in milliseconds, and at least twice the topic's
   * `maxAgeMs`. About 200 bytes are kept of it meanwhile, and no messages. A position in a topic that was forgotten is a gap, though
   * nothing may be missing. 0 means for ever.
   *
   * @default 2_592_000_000 // 30 days
   */
  forgetAfterMs?: number;
  /**
   * How often Redis is sent a PING, and asked whether it still is the master, in milliseconds, as in `redis()`. 0 switches it off: a dead
   * connection is then noticed when an append or a read is not answered for 10 seconds.
   *
   * @default 15_000 // 15 seconds
   */
  pingIntervalMs?: number;
}

const [dayMs, longestMs] = [86_400_000, 1e13];

/**
 * Keeps the messages of durable topics in Redis: they outlast the processes that publish them, and reach the subscribers in all processes
 * that have the same history. Redis needs `maxmemory-policy noeviction`: what it evicts is missing, which is a gap for subscribers.
 *
 * @example
 * const live = createService(spry, chat, { history: redisHistory({ client: new Redis("redis://localhost") }), topics });
 *
 * @throws TypeError `SPRY_WS_OPTION` when an option is unknown or has no meaning
 */
export function redisHistory(options: RedisHistoryOptions): History {
  const names = ["client", "prefix", "forgetAfterMs", "pingIntervalMs"];
  const { broker, prefix, pingIntervalMs } = commonOptions(
    "redisHistory",
    options,
    names,
    "spry-ws-history:",
  );
  if (/[{}]/.test(prefix))
    throw createError(
      "SPRY_WS_OPTION",
      `"prefix" must have no braces, which say where a cluster keeps a key: not ${JSON.stringify(prefix)}`,
    );
  const { forgetAfterMs = 30 * dayMs } = options;
  checkMs("forgetAfterMs", forgetAfterMs, longestMs);
  const linkOptions = { prefix, pingIntervalMs, forgetAfterMs: forgetAfterMs || longestMs };
  return { name: "redis", open: (events) => new RedisHistoryLink(broker, linkOptions, events) };
}
