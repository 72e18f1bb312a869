import { type RedisHistoryOptions, type RedisLike, redisHistory } from "@spry-ws/redis";
import { Redis } from "ioredis";
import { createClient, RESP_TYPES } from "redis";
import { describe, expect, it } from "vitest";
import { missingRedis, startRedis } from "../fixtures/brokers.ts";
import { WatchedHistory } from "./watched-history.ts";

const typeMapping = { [RESP_TYPES.BLOB_STRING]: Buffer, [RESP_TYPES.NUMBER]: String };
const lazyConnect = true;

/** Options that a client may have for its own work. */
const clients: [name: string, create: (url: string) => RedisLike][] = [
  ["numbers as strings", (url) => new Redis(url, { lazyConnect, protocol: 2, stringNumbers: true })],
  ["shapes of RESP3", (url) => new Redis(url, { lazyConnect, replyMapping: "resp3" })],
  [
    "a key prefix and pipelines",
    (url) => new Redis(url, { lazyConnect, keyPrefix: "app:", enableAutoPipelining: true }),
  ],
  ["mapped types", (url) => createClient({ url, RESP: 2, commandOptions: { typeMapping } })],
  ["a key prefix and a cache", (url) => createClient({ url, keyPrefix: "app:", clientSideCache: {} })],
  ["a short queue", (url) => createClient({ url, commandsQueueMaxLength: 5 })],
];

describe.skipIf(missingRedis())("redisHistory", () => {
  it.each(clients)("appends and reads with a client that has %s", async (_name, create) => {
    await using server = await startRedis();
    await using one = new WatchedHistory(redisHistory({ client: create(server.url) }));
    await one.untilState("up");
    await one.link.subscribe(["topic"]);
    const texts = Array.from({ length: 20 }, (_, index) => `é ${index}`);
    const positions = await Promise.all(texts.map((text) => one.append("topic", text)));
    await one.untilAppended("é 19");
    const page = await one.read("topic", positions[4] ?? "start", 10);
    expect(page).toMatchObject({ isContinuous: true, hasMore: true, texts: texts.slice(5, 15) });
    expect(await one.read("topic", "start")).toMatchObject({ hasMore: false, texts, positions });
    expect(one.errors).toEqual([]);
  });

  const client = createClient();
  it.each<[options: unknown, message: RegExp]>([
    [
      client,
      /^redisHistory\(options\) takes an object with the client, not .*: write redisHistory\(\{ client \}\)/,
    ],
    [
      { client: "redis://:secret@host" },
      /write redisHistory\(\{ client: new Redis\("redis:\/\/…@host"\) \}\)/,
    ],
    [
      { client, prefx: "a" },
      /no option "prefx"; the options are client, prefix, forgetAfterMs, pingIntervalMs/,
    ],
    [{ client, prefix: "{a}" }, /"prefix" must have no braces/],
    [{ client, prefix: 1 }, /"prefix" must be a string without lone surrogates, not a number/],
    [
      { client, forgetAfterMs: -1 },
      /"forgetAfterMs" must be a whole number from 0 to 10000000000000, not -1/,
    ],
    [{ client, pingIntervalMs: 0.5 }, /"pingIntervalMs" must be a whole number/],
  ])("says what to write instead of %o", (options, message) => {
    expect(() => redisHistory(options as RedisHistoryOptions)).toThrow(message);
    expect(() => redisHistory(options as RedisHistoryOptions)).toThrow(TypeError);
  });
});
