import { redis } from "@spry-ws/redis";
import { type BackplaneUnderTest, backplaneCases } from "@spry-ws/testing/backplane";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  findRedis,
  missingRedis,
  type OwnBroker,
  type RedisCluster,
  startRedis,
  startRedisCluster,
} from "../fixtures/brokers.ts";
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

describe.skipIf(missingRedis()).each(redisLibraries)(
  "Redis that refuses a topic, with $name",
  ({ connect }) => {
    let server: OwnBroker;
    beforeAll(async () => {
      server = await startRedis();
      const admin = new Redis(server.url);
      const rights = ["~*", "+@all", "resetchannels", `&${prefix}[^!]*`, `&${prefix}`];
      await admin.call("ACL", "SETUSER", "app", "on", ">secret", ...rights);
      admin.disconnect();
    });
    afterAll(() => server?.[Symbol.asyncDispose]());

    const create = () => underTest(connect(server.url.replace("//", "//app:secret@")));
    const [first] = backplaneCases({ create, refusedTopic: "!" });
    if (first) it(first.name, first.run);
  },
);

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
