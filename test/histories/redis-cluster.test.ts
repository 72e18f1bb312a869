import { isNotAppended } from "@spry-ws/core/adapter";
import { redisHistory } from "@spry-ws/redis";
import { describe, expect, it, onTestFinished } from "vitest";
import { redisLibraries } from "../backplanes/redis-clients.ts";
import { missingRedis, type OwnBroker, startRedisCluster } from "../fixtures/brokers.ts";
import { WatchedHistory } from "./watched-history.ts";

/** Of the topic "bar". */
const slot = "5061";

describe.skipIf(missingRedis()).each(redisLibraries.filter(({ name }) => name.endsWith("6")))(
  "redisHistory in a cluster, with $name",
  { timeout: 60_000 },
  (library) => {
    it("rejects what is appended to a topic that is just being moved, and goes on where it was moved to", async () => {
      await using servers = await startRedisCluster(2);
      const [from, to] = servers.nodes as [OwnBroker, OwnBroker];
      const { client, dispose } = await library.cluster(servers.nodes);
      onTestFinished(dispose);
      await using one = new WatchedHistory(redisHistory({ client }));
      await one.untilState("up");
      await one.link.subscribe(["bar"]);
      const first = await one.append("bar", "first");
      await one.append("bar", "second");

      const [source, target] = [
        await servers.command(from, "cluster", "myid"),
        await servers.command(to, "cluster", "myid"),
      ];
      await servers.command(to, "cluster", "setslot", slot, "importing", source);
      await servers.command(from, "cluster", "setslot", slot, "migrating", target);
      const keys = (await servers.command(from, "cluster", "getkeysinslot", slot, "100")).split(",");
      expect(keys).toHaveLength(4);
      for (const [index, key] of keys.entries()) {
        await servers.command(from, "migrate", "127.0.0.1", String(to.port), key, "0", "5000");
        // Some keys are here and some there, and at last all of them there.
        if (index === 0 || index === 3)
          await expect(one.append("bar", "meanwhile")).rejects.toSatisfy(isNotAppended);
        await one.append("other", "x");
      }
      expect(one.states).toEqual(["up"]);

      for (const node of [to, from]) await servers.command(node, "cluster", "setslot", slot, "node", target);
      await one.until(() => one.states.length >= 3 && one.states.at(-1) === "up", "down, then up");
      const third = await one.append("bar", "third");
      await one.untilAppended("third");
      expect(third).toMatchObject({ epoch: first.epoch, seq: 3 });
      const page = await one.read("bar", first);
      expect([page.isContinuous, ...page.texts]).toEqual([true, "second", "third"]);
    });
  },
);
