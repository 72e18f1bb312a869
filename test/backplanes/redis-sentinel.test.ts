import { setTimeout as sleep } from "node:timers/promises";
import { redis } from "@spry-ws/redis";
import { Redis } from "ioredis";
import { createSentinel as createSentinel5 } from "redis5";
import { describe, expect, it, onTestFinished } from "vitest";
import { missingRedis, type SentinelSetup, startSentinels } from "../fixtures/brokers.ts";
import { WatchedLink } from "./outages.ts";
import { redisLibraries } from "./redis-clients.ts";

/** The two hear each other. */
async function exchange(one: WatchedLink, two: WatchedLink, text: string): Promise<void> {
  await one.publish("topic", `${text} from one`);
  await two.publish("topic", `${text} from two`);
  for (const link of [one, two])
    for (const from of ["one", "two"]) await link.untilReceived(`topic ${text} from ${from}`);
}

function adminOf(url: string, password: string): Redis {
  const admin = new Redis(url, { password });
  onTestFinished(() => admin.disconnect());
  return admin;
}

describe.skipIf(missingRedis()).each(redisLibraries)(
  "Sentinel with $name",
  { timeout: 60_000 },
  (library) => {
    const open = async (setup: SentinelSetup) => {
      const { client, dispose } = await library.sentinel(setup);
      onTestFinished(dispose);
      const link = new WatchedLink(redis({ client }));
      await link.untilState("up");
      await link.link.subscribe(["topic"]);
      return link;
    };

    const failures: [what: string, fail: (setup: SentinelSetup) => Promise<unknown>][] = [
      ["is killed", ({ master }) => master.kill()],
      ["does not answer any more", ({ master }) => master.pause()],
      [
        "is made a replica",
        ({ sentinels: [first], name, sentinelPassword }) =>
          adminOf(String(first?.url), sentinelPassword).call("sentinel", "failover", name),
      ],
    ];
    // There the user's client is asked, which waits for this sentinel for ever.
    if (library.name !== "node-redis 5") {
      failures.push([
        "does not answer any more, nor does the first sentinel",
        ({ master, sentinels }) => Promise.all([master.pause(), sentinels[0]?.pause()]),
      ]);
    }
    it.each(failures)("is back within 3 s of the switch when the master %s", async (_what, fail) => {
      await using setup = await startSentinels(3);
      await using one = await open(setup);
      await using two = await open(setup);
      await exchange(one, two, "before");
      await fail(setup);
      await setup.switched();
      const switchedAt = performance.now();
      for (const link of [one, two])
        await link.until(() => link.states.length >= 3 && link.state === "up", "down, then up");
      expect(performance.now() - switchedAt).toBeLessThan(3_000);
      await exchange(one, two, "after");
      expect([...one.errors, ...two.errors]).toEqual([]);
    });

    it("leaves no connection behind, at whatever moment it is closed", async () => {
      await using setup = await startSentinels(1);
      const { client, dispose } = await library.sentinel(setup);
      onTestFinished(dispose);
      const admins = [
        adminOf(setup.master.url, setup.password),
        ...setup.sentinels.map(({ url }) => adminOf(url, setup.sentinelPassword)),
      ];
      const count = async () => {
        const lists = await Promise.all(admins.map((admin) => admin.client("LIST")));
        return lists.join("").match(/^id=/gm)?.length;
      };
      await sleep(200);
      const before = await count();
      const events = { message() {}, up() {}, down() {}, refused() {}, error() {} };
      for (const ms of [0, 0, 1, 2, 3, 5, 8, 12, 20, 50]) {
        const link = redis({ client }).open(events);
        if (ms > 0) await sleep(ms);
        await link.close();
      }
      await expect.poll(count, { timeout: 5_000 }).toBe(before);
      // Nor is one made later.
      await sleep(1_500);
      expect(await count()).toBe(before);
    });

    it("is down, and says why, until a sentinel can be reached", async () => {
      await using setup = await startSentinels(1);
      const { client, dispose } = await library.sentinel(setup);
      onTestFinished(dispose);
      const [sentinel] = setup.sentinels;
      await Promise.all([sentinel?.kill(), setup.master.kill()]);
      await using link = new WatchedLink(redis({ client }));
      await link.untilState("down");
      expect(link.reasons[0]?.message).toMatch(/Redis cannot be reached: /);
      await setup.master.start();
      await sentinel?.start();
      await link.untilState("up");
    });
  },
);

it.skipIf(missingRedis())("says that a sentinel of node-redis 5 has to be connected", async () => {
  const client = createSentinel5({ name: "main", sentinelRootNodes: [{ host: "127.0.0.1", port: 1 }] });
  await using link = new WatchedLink(redis({ client }));
  await link.untilState("down");
  expect(link.reasons[0]?.message).toMatch(/connect\(\) it, as the backplane asks it for the master/);
});
