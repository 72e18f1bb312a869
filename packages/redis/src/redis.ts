import type { Backplane } from "@spry-ws/core";
import { RedisLink } from "./link.ts";
import { commonOptions } from "./options.ts";
import type { RedisLike } from "./types.ts";

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

/**
 * Joins the processes that use the same Redis: what one publishes to a topic reaches the subscribers in all of them.
 *
 * @example
 * const spry = spryWs({ backplane: redis({ client: new Redis("redis://localhost") }) });
 *
 * @throws TypeError `SPRY_WS_OPTION` when an option is unknown or has no meaning
 */
export function redis(options: RedisOptions): Backplane {
  const names = ["client", "prefix", "pingIntervalMs"];
  const { broker, ...linkOptions } = commonOptions("redis", options, names, "spry-ws:");
  return { name: "redis", open: (events) => new RedisLink(broker, linkOptions, events) };
}
