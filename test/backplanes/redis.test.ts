import { redis } from "@spry-ws/redis";
import { type BackplaneUnderTest, backplaneCases } from "@spry-ws/testing/backplane";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findRedis, missingRedis, type RedisCluster, startRedisCluster } from "../fixtures/brokers.ts";
import { redisLibraries, type UserClient } from "./redis-clients.ts";

const found = await findRedis();
const url = typeof found === "string" ? "" : found.url;
const prefix = `spry-ws-test-${process.pid}:`;

afterAll(async () => {
  if (typeof found !== "string") await found[Symbol.asyncDispose]();
});

async function underTest(made: Promise<UserClient>): Promise<BackplaneUnderTest> {
  const { client, use, dispose } = await made;
  return {
    backplane: redis({ client, prefix }),
    assertClientUsable: async () => expect(await use()).toBe(null),
    dispose,
  };
}

describe.skipIf(typeof found === "string").each(redisLibraries)("Redis with $name", ({ connect }) => {
  for (const { name, run } of backplaneCases({ create: () => underTest(connect(url)) })) it(name, run);
});

describe.skipIf(missingRedis())("a Redis cluster", () => {
  let servers: RedisCluster;
  beforeAll(async () => {
    servers = await startRedisCluster(3);
  });
  afterAll(() => servers?.[Symbol.asyncDispose]());

  describe.each(redisLibraries)("with $name", ({ cluster }) => {
    for (const { name, run } of backplaneCases({ create: () => underTest(cluster(servers.nodes)) }))
      it(name, run);
  });
});
