import { readFileSync } from "node:fs";
import { redisHistory } from "@spry-ws/redis";
import { type HistoryUnderTest, historyCases } from "@spry-ws/testing/history";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { redisLibraries, type UserClient } from "../backplanes/redis-clients.ts";
import {
  missingRedis,
  type OwnBroker,
  type RedisCluster,
  type SentinelSetup,
  startRedis,
  startRedisCluster,
  startSentinels,
} from "../fixtures/brokers.ts";
import { WatchedHistory } from "./watched-history.ts";

/** A case may wait for a call's 10 seconds, or for messages to grow old. */
const caseMs = 60_000;

async function underTest(made: Promise<UserClient>): Promise<HistoryUnderTest> {
  const { client, use, dispose } = await made;
  return {
    history: redisHistory({ client }),
    assertClientUsable: async () => expect(await use()).toBe(null),
    dispose,
  };
}

/** Ends all connections to a server but its own. */
async function interrupt(server: OwnBroker, password?: string): Promise<void> {
  const admin = new Redis(server.url, { ...(password !== undefined && { password }) });
  for (const type of ["normal", "pubsub"]) await admin.call("CLIENT", "KILL", "TYPE", type);
  admin.disconnect();
}

describe.skipIf(missingRedis()).each(redisLibraries)("Redis with $name", ({ connect }) => {
  let server: OwnBroker;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  const cases = historyCases({
    create: () => underTest(connect(server.url)),
    interrupt: () => interrupt(server),
    async restart() {
      await server.kill();
      await server.start();
    },
  });
  for (const { name, run } of cases) it(name, run, caseMs);
});

it.skipIf(missingRedis())("needs no other permissions than the README of the package lists", async () => {
  await using server = await startRedis();
  const readme = readFileSync(new URL("../../packages/redis/README.md", import.meta.url), "utf8");
  const rights = [...readme.matchAll(/^ACL SETUSER chat (.*)$/gm)].map(([, list = ""]) => list.split(" "));
  expect(rights).toHaveLength(2);
  const admin = new Redis(server.url);
  await admin.call("ACL", "SETUSER", "chat", ...rights.toReversed().flat());
  admin.disconnect();
  const client = createClient({ url: server.url.replace("//", "//chat:password@") });
  await using one = new WatchedHistory(redisHistory({ client }));
  await one.untilState("up");
  await one.link.subscribe(["t"]);
  const retention = { maxMessages: 10, maxAgeMs: 50 };
  for (const text of ["a", "b"]) {
    await one.append("t", text, { retention });
    await one.untilAppended(text);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await expect(one.link.subscribe(["t"])).resolves.toBe(undefined);
  expect((await one.read("t", "start")).texts).toEqual([]);
  expect((await one.append("t", "c", { retention })).seq).toBe(3);
  expect(one.errors).toEqual([]);
});

describe.skipIf(missingRedis())("a Redis cluster", () => {
  let servers: RedisCluster;
  beforeAll(async () => {
    servers = await startRedisCluster(3);
  });
  afterAll(() => servers?.[Symbol.asyncDispose]());

  describe.each(redisLibraries)("with $name", ({ cluster }) => {
    const cases = historyCases({
      create: () => underTest(cluster(servers.nodes)),
      interrupt: async () => void (await Promise.all(servers.nodes.map((node) => interrupt(node)))),
    });
    for (const { name, run } of cases) it(name, run, caseMs);
  });
});

describe.skipIf(missingRedis())("Sentinel", () => {
  let setup: SentinelSetup;
  beforeAll(async () => {
    // The master stays: it must not be taken for gone where its connections are cut, or the machine is slow.
    setup = await startSentinels(1, 30_000);
  }, caseMs);
  afterAll(() => setup?.[Symbol.asyncDispose]());

  describe.each(redisLibraries)("with $name", ({ sentinel }) => {
    const cases = historyCases({
      create: async () => {
        // A case before may have cut the sentinel's own connections to the master.
        await setup.whole();
        const { client, dispose } = await sentinel(setup);
        return { history: redisHistory({ client }), dispose };
      },
      interrupt: () => interrupt(setup.master, setup.password),
    });
    for (const { name, run } of cases.filter((one) => /once|by itself|close/.test(one.name)))
      it(name, run, caseMs);
  });
});
