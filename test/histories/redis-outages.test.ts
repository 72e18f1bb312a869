import { copyFile } from "node:fs/promises";
import type { HistoryPosition, HistoryRead } from "@spry-ws/core";
import { isNotAppended } from "@spry-ws/core/adapter";
import { type RedisHistoryOptions, redisHistory } from "@spry-ws/redis";
import { Redis } from "ioredis";
import { describe, expect, it, onTestFinished } from "vitest";
import { redisLibraries } from "../backplanes/redis-clients.ts";
import { missingRedis, type OwnBroker, startRedis, startSentinels } from "../fixtures/brokers.ts";
import { WatchedHistory } from "./watched-history.ts";

const keys = { meta: "spry-ws-history:{t}:meta", log: "spry-ws-history:{t}:log" };

function adminOf(server: OwnBroker, password?: string): Redis {
  const admin = new Redis(server.url, { ...(password !== undefined && { password }) });
  admin.on("error", () => {});
  onTestFinished(() => admin.disconnect());
  return admin;
}

/** What a page says: whether it is continuous, and the texts of its messages. */
async function read(
  link: WatchedHistory,
  topic: string,
  from: HistoryRead["from"],
): Promise<[isContinuous: boolean, ...texts: string[]]> {
  const { isContinuous, texts } = await link.read(topic, from);
  return [isContinuous, ...texts];
}

/** Appends until it is stored, under the same id. */
async function surely(link: WatchedHistory, text: string): Promise<HistoryPosition> {
  for (;;) {
    await link.untilState("up");
    try {
      return await link.append("t", text, { id: text });
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** With the newest of each library: what is checked here is the same for the others. */
describe.skipIf(missingRedis()).each(redisLibraries.filter(({ name }) => name.endsWith("6")))(
  "redisHistory with $name",
  { timeout: 60_000 },
  (library) => {
    const open = async (server: OwnBroker, options: Partial<RedisHistoryOptions> = {}) => {
      const { client, dispose } = library.idle(server.url);
      onTestFinished(dispose);
      const history = new WatchedHistory(redisHistory({ client, ...options }));
      onTestFinished(() => history.link.close());
      await history.untilState("up");
      return history;
    };

    it("has another epoch when Redis was killed and comes back empty", async () => {
      await using server = await startRedis();
      const one = await open(server);
      const before = await one.append("t", "before");
      await server.kill();
      await one.untilState("down");
      await expect(one.append("t", "lost")).rejects.toSatisfy(isNotAppended);
      await expect(one.link.heads(["t"])).rejects.toMatchObject({ code: "SPRY_WS_HISTORY" });
      await server.start();
      await one.untilState("up");
      const after = await one.append("t", "after");
      expect(after).toMatchObject({ seq: 1 });
      expect(after.epoch).not.toBe(before.epoch);
      expect(await read(one, "t", before)).toEqual([false, "after"]);
    });

    it("sees by the tag that Redis was restored from an older copy, and gives the numbers again", async () => {
      await using server = await startRedis();
      const one = await open(server);
      const admin = adminOf(server);
      const kept = await one.append("t", "kept");
      const [, directory] = (await admin.config("GET", "dir")) as [string, string];
      await admin.save();
      await copyFile(`${directory}/dump.rdb`, `${directory}/copy.rdb`);
      const lost: HistoryPosition[] = [];
      for (const text of ["lost 1", "lost 2", "lost 3"]) lost.push(await one.append("t", text));
      await server.kill();
      await server.start("--dbfilename", "copy.rdb");
      await one.untilState("down");
      await one.untilState("up");
      const again: HistoryPosition[] = [];
      for (const text of ["again 1", "again 2", "again 3"]) again.push(await one.append("t", text));
      expect(again.map(({ epoch, seq }) => ({ epoch, seq }))).toEqual(
        lost.map(({ epoch, seq }) => ({ epoch, seq })),
      );
      expect(await read(one, "t", kept)).toEqual([true, "again 1", "again 2", "again 3"]);
      for (const position of lost)
        expect(await read(one, "t", position)).toEqual([false, "kept", "again 1", "again 2", "again 3"]);
    });

    it("settles within 10 seconds where Redis does not answer any more, and stores each message once", async () => {
      await using server = await startRedis();
      const one = await open(server, { pingIntervalMs: 0 });
      await one.append("t", "before");
      await server.pause();
      const pausedAt = performance.now();
      const results = await Promise.allSettled([
        one.append("t", "late", { id: "late" }),
        one.read("t", "start"),
        one.link.heads(["t"]),
      ]);
      expect(performance.now() - pausedAt).toBeLessThan(11_000);
      expect(one.states.at(-1)).toBe("down");
      for (const result of results) {
        expect(result).toMatchObject({ status: "rejected", reason: { code: "SPRY_WS_HISTORY" } });
      }
      server.resume();
      await one.untilState("up");
      await one.append("t", "late", { id: "late" });
      expect(await read(one, "t", "start")).toEqual([true, "before", "late"]);
    });

    it("takes a connection that does not answer its PINGs for lost", async () => {
      await using server = await startRedis();
      const one = await open(server, { pingIntervalMs: 200 });
      await server.pause();
      const appended = one.append("t", "x");
      await Promise.all([one.untilState("down"), expect(appended).rejects.toThrow(/no answer to a PING/)]);
      server.resume();
      await one.untilState("up");
    });

    it("finds what was appended while the connection of its subscriptions was gone", async () => {
      await using server = await startRedis();
      const [one, two] = [await open(server), await open(server)];
      const admin = adminOf(server);
      await two.link.subscribe(["t"]);
      const first = await one.append("t", "0");
      let count = 1;
      for (let round = 0; round < 5; round++) {
        const appends = Array.from({ length: 50 }, () => one.append("t", String(count++)));
        await admin.call("CLIENT", "KILL", "TYPE", "pubsub");
        await Promise.all(appends);
        await two.until(() => two.states.filter((state) => state === "down").length > round, "down");
        await two.untilState("up");
      }
      const expected = Array.from({ length: count - 1 }, (_, index) => String(index + 1));
      expect(await read(two, "t", first)).toEqual([true, ...expected]);
      expect(await two.head("t")).toEqual(await one.head("t"));
      // What was told is in order, and every hole can be seen.
      let seq = 0;
      for (const { position, previousSeq } of two.appended) {
        expect(position.seq).toBeGreaterThan(seq);
        expect(previousSeq).toBe(position.seq - 1);
        seq = position.seq;
      }
      expect(seq).toBeGreaterThan(0);
      const last = await one.append("t", "last");
      await two.untilAppended("last");
      expect(two.appended.at(-1)).toEqual({ text: "last", position: last, previousSeq: last.seq - 1 });
    });

    it("keeps the order of the calls when Redis forgets the scripts under load", async () => {
      await using server = await startRedis();
      const one = await open(server);
      const admin = adminOf(server);
      const appended: Promise<unknown>[] = [];
      const failures: unknown[] = [];
      const retention = { maxMessages: 10_000, maxAgeMs: 3_600_000 };
      for (let turn = 0; turn < 100; turn++) {
        for (let index = 0; index < 20; index++)
          appended.push(
            one.append("t", String(appended.length), { retention }).catch((error) => failures.push(error)),
          );
        if (turn % 10 === 5) void admin.script("FLUSH");
        await new Promise((resolve) => setImmediate(resolve));
      }
      await Promise.all(appended);
      expect(failures).toEqual([]);
      expect(await read(one, "t", "start")).toEqual([true, ...appended.map((_, index) => String(index))]);
      expect(one.states).toEqual(["up"]);
    });

    it("rejects an append as certainly not stored where Redis is full, and still reads", async () => {
      await using server = await startRedis("--maxmemory-policy", "noeviction");
      const one = await open(server);
      const admin = adminOf(server);
      const before = await one.append("t", "before");
      await admin.config("SET", "maxmemory", "1mb");
      const rejected = expect(one.append("t", "x", { id: "x" })).rejects;
      await rejected.toSatisfy(isNotAppended);
      await expect(one.append("new", "x")).rejects.toThrow(/^the message was not stored: .*OOM/);
      expect(await read(one, "t", "start")).toEqual([true, "before"]);
      // An empty log has no lasting epoch meanwhile: that is a gap later, and hides none.
      expect(await read(one, "empty", "start")).toEqual([true]);
      expect(one.states).toEqual(["up"]);
      await admin.config("SET", "maxmemory", "0");
      await one.append("t", "x", { id: "x" });
      expect(await read(one, "t", before)).toEqual([true, "x"]);
    });

    it("makes a gap where the meta or the log of a topic is evicted alone", async () => {
      await using server = await startRedis();
      const one = await open(server);
      const admin = adminOf(server);
      const positions: HistoryPosition[] = [];
      for (const text of ["a", "b", "c"]) positions.push(await one.append("t", text));
      const [a, b, c] = positions as [HistoryPosition, HistoryPosition, HistoryPosition];

      await admin.del(keys.log);
      expect(await read(one, "t", b)).toEqual([false]);
      expect(await read(one, "t", c)).toEqual([true]);
      const d = await one.append("t", "d");
      expect(await read(one, "t", a)).toEqual([false, "d"]);
      expect(await read(one, "t", c)).toEqual([true, "d"]);

      await admin.del(keys.meta);
      expect(await read(one, "t", d)).toEqual([false]);
      const e = await one.append("t", "e");
      expect(e.epoch).not.toBe(d.epoch);
      expect(await read(one, "t", d)).toEqual([false, "e"]);

      await admin.del(keys.meta);
      // An append is the first to see it.
      const f = await one.append("t", "f", { id: "f" });
      expect(f).toMatchObject({ seq: 1 });
      for (const position of [a, d, e]) expect(await read(one, "t", position)).toEqual([false, "f"]);
    });

    it("makes a gap where the meta is older than the log", async () => {
      await using server = await startRedis();
      const one = await open(server);
      const admin = adminOf(server);
      const a = await one.append("t", "a");
      const meta = await admin.get(keys.meta);
      const b = await one.append("t", "b");
      await admin.set(keys.meta, String(meta));
      const c = await one.append("t", "c");
      expect(c.epoch).not.toBe(b.epoch);
      for (const position of [a, b]) expect(await read(one, "t", position)).toEqual([false, "c"]);
    });

    it("makes a gap, and tells nobody else's messages, where an entry is missing in the middle", async () => {
      await using server = await startRedis();
      const one = await open(server);
      const admin = adminOf(server);
      const positions: HistoryPosition[] = [];
      for (const text of ["a", "b", "c", "d"]) positions.push(await one.append("t", text));
      const entries = await admin.xrange(keys.log, "3", "+", "COUNT", 1);
      await admin.xdel(keys.log, String(entries[0]?.[0]));
      const page = await one.read("t", positions[0] as HistoryPosition);
      expect([page.isContinuous, page.texts, page.hasMore]).toEqual([true, ["b"], true]);
      expect(await read(one, "t", positions[1] as HistoryPosition)).toEqual([false, "a", "b"]);
    });

    it("forgets a topic that nobody asks for, not one that somebody asks for", async () => {
      await using server = await startRedis();
      const one = await open(server, { forgetAfterMs: 400 });
      const left = await one.append("left", "x", { retention: { maxMessages: 10, maxAgeMs: 100 } });
      const asked = await one.append("asked", "x", { retention: { maxMessages: 10, maxAgeMs: 100 } });
      for (let round = 0; round < 16; round++) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        expect(await one.head("asked")).toEqual(asked);
      }
      expect(await read(one, "asked", asked)).toEqual([true]);
      expect(await read(one, "left", left)).toEqual([false]);
      expect(await adminOf(server).keys("*:log")).toEqual([]);
    });

    it("sees by the tag that a replica became the master that had missed messages", async () => {
      await using setup = await startSentinels(1);
      const { client, dispose } = await library.sentinel(setup);
      onTestFinished(dispose);
      await using one = new WatchedHistory(redisHistory({ client }));
      await one.untilState("up");
      await one.link.subscribe(["t"]);
      const kept = await one.append("t", "kept");
      const replica = adminOf(setup.replica, setup.password);
      await expect.poll(() => replica.exists(keys.meta), { timeout: 10_000 }).toBe(1);
      await setup.replica.pause();
      await adminOf(setup.master, setup.password).call("CLIENT", "KILL", "TYPE", "replica");
      const lost = await one.append("t", "lost");
      await one.untilAppended("lost");
      await setup.master.kill();
      setup.replica.resume();
      await setup.switched();
      await one.untilState("down");
      const again = await surely(one, "again");
      await surely(one, "next");
      expect(again).toMatchObject({ epoch: lost.epoch, seq: lost.seq });
      expect(await read(one, "t", lost)).toEqual([false, "kept", "again", "next"]);
      expect(await read(one, "t", kept)).toEqual([true, "again", "next"]);
      await one.untilAppended("next");
      expect(one.errors).toEqual([]);
    });
  },
);
