import { setTimeout as sleep } from "node:timers/promises";
import { type RedisLike, redis } from "@spry-ws/redis";
import { Redis } from "ioredis";
import { Redis as Redis5 } from "ioredis5";
import { createClient, RESP_TYPES } from "redis";
import { createClient as createClient5 } from "redis5";
import { describe, expect, it } from "vitest";
import { missingRedis, startRedis } from "../fixtures/brokers.ts";
import { WatchedLink } from "./outages.ts";

/** Options that a client may have for its own work. */
const clients: [name: string, create: (url: string) => RedisLike][] = [
  ["ioredis 5, timeouts", (url) => new Redis5(url, { ...lazy, commandTimeout: 50, socketTimeout: 50 })],
  ["ioredis 6, timeouts", (url) => new Redis(url, { ...lazy, commandTimeout: 50, socketTimeout: 50 })],
  ["ioredis 6, RESP2", (url) => new Redis(url, { ...lazy, protocol: 2, stringNumbers: true })],
  ["ioredis 6, shapes of RESP3", (url) => new Redis(url, { ...lazy, replyMapping: "resp3" })],
  [
    "ioredis 6, prefix and pipelines",
    (url) =>
      new Redis(url, { ...lazy, keyPrefix: "app:", enableAutoPipelining: true, enableReadyCheck: false }),
  ],
  ["node-redis 5, timeouts", (url) => createClient5({ url, socket, pingInterval: 20 })],
  ["node-redis 6, timeouts", (url) => createClient({ url, socket, commandOptions: { timeout: 50 } })],
  ["node-redis 5, a short queue", (url) => createClient5({ url, commandsQueueMaxLength: 5 })],
  ["node-redis 6, a short queue", (url) => createClient({ url, commandsQueueMaxLength: 5 })],
  ["node-redis 5, RESP3", (url) => createClient5({ url, RESP: 3, clientSideCache: {} })],
  ["node-redis 6, RESP2", (url) => createClient({ url, RESP: 2, commandOptions: bytes })],
  ["node-redis 6, prefix and cache", (url) => createClient({ url, keyPrefix: "app:", clientSideCache: {} })],
];
const lazy = { lazyConnect: true };
const socket = { socketTimeout: 50 };
const bytes = { typeMapping: { [RESP_TYPES.SIMPLE_STRING]: Buffer, [RESP_TYPES.BLOB_STRING]: Buffer } };

describe.skipIf(missingRedis())("options of the user's client", () => {
  it.each(clients)("do not disturb the backplane: %s", async (_name, create) => {
    await using server = await startRedis();
    const client = create(server.url);
    client.on("error", () => {});
    await using link = new WatchedLink(redis({ client }));
    await link.untilState("up");
    const topics = Array.from({ length: 20 }, (_, index) => `topic ${index}`);
    await link.link.subscribe(topics);
    await Promise.all(topics.map((topic) => link.publish(topic, "at once")));
    // Nothing happens on its connections, then the server is late.
    await sleep(250);
    await server.pause();
    const late = link.publish("topic 0", "late");
    await sleep(150);
    server.resume();
    await late;
    await link.untilReceived("topic 0 late");
    expect(link.received).toHaveLength(21);
    expect(link.states).toEqual(["up"]);
    expect(link.errors).toEqual([]);
  });
});
