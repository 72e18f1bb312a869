import type { HistoryPosition } from "@spry-ws/core";
import { isNotAppended } from "@spry-ws/core/adapter";
import { redisHistory } from "@spry-ws/redis";
import { Redis } from "ioredis";
import { describe, expect, it, onTestFinished } from "vitest";
import { redisLibraries } from "../backplanes/redis-clients.ts";
import { missingRedis, startRedis } from "../fixtures/brokers.ts";
import { WatchedHistory } from "./watched-history.ts";

const retention = { maxMessages: 10_000, maxAgeMs: 3_600_000 };
const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index));

describe.skipIf(missingRedis()).each(redisLibraries)(
  "what is appended with $name in one turn of the event loop",
  { timeout: 30_000 },
  (library) => {
    const open = async () => {
      const server = await startRedis();
      onTestFinished(() => server[Symbol.asyncDispose]());
      const { client, dispose } = library.idle(server.url);
      onTestFinished(dispose);
      const one = new WatchedHistory(redisHistory({ client }));
      onTestFinished(() => one.link.close());
      await one.untilState("up");
      const admin = new Redis(server.url);
      onTestFinished(() => admin.disconnect());
      await one.link.subscribe(["t"]);
      return { one, admin };
    };

    /** How many scripts Redis runs meanwhile. */
    const scriptsDuring = async (admin: Redis, work: () => Promise<unknown>) => {
      const calls = async () => {
        const [, count = "0"] = /cmdstat_evalsha:calls=(\d+)/.exec(await admin.info("commandstats")) ?? [];
        return Number(count);
      };
      const before = await calls();
      await work();
      return (await calls()) - before;
    };

    it("is few scripts, and each message has its place, its predecessor and its answer", async () => {
      const { one, admin } = await open();
      let positions: HistoryPosition[] = [];
      const count = await scriptsDuring(admin, async () => {
        positions = await Promise.all(numbers(200).map((text) => one.append("t", text, { retention })));
      });
      // 64 at most in each.
      expect(count).toBe(4);
      expect(positions.map(({ seq }) => seq)).toEqual(numbers(200).map((text) => Number(text) + 1));
      expect(new Set(positions.map(({ tag }) => tag)).size).toBe(200);
      const page = await one.read("t", "start");
      expect([page.texts, page.positions]).toEqual([numbers(200), positions]);
      await one.untilAppended("199");
      expect(one.appended).toEqual(
        positions.map((position, index) => ({ text: String(index), position, previousSeq: index })),
      );
      for (const [index, position] of positions.entries())
        expect((await one.read("t", position)).texts).toEqual(numbers(200).slice(index + 1));
    });

    it("is a script for each topic, and for each size that Redis should take at once", async () => {
      const { one, admin } = await open();
      const topics = ["a", "b", "c"];
      const ofTopics = await scriptsDuring(admin, () =>
        Promise.all(numbers(30).map((text) => one.append(topics[Number(text) % 3] as string, text))),
      );
      expect(ofTopics).toBe(3);
      for (const [index, topic] of topics.entries())
        expect((await one.read(topic, "start")).texts).toEqual(
          numbers(30).filter((text) => Number(text) % 3 === index),
        );
      const large = "x".repeat(50_000);
      const ofSizes = await scriptsDuring(admin, () =>
        Promise.all(numbers(6).map((text) => one.append("large", text + large))),
      );
      // 128 KiB at most in each.
      expect(ofSizes).toBe(3);
      expect((await one.read("large", "start")).texts.map((text) => text[0])).toEqual(numbers(6));
    });

    it("is stored once under one id, and in no topic's script where its retention is another", async () => {
      const { one } = await open();
      const [a, b, again, c] = await Promise.all([
        one.append("t", "a", { id: "same" }),
        one.append("t", "b"),
        one.append("t", "not a", { id: "same" }),
        one.append("t", "c", { retention }),
      ]);
      expect(again).toEqual(a);
      expect([a, b, c].map(({ seq }) => seq)).toEqual([1, 2, 3]);
      expect((await one.read("t", "start")).texts).toEqual(["a", "b", "c"]);
      await one.untilAppended("c");
      expect(one.appended.map(({ text }) => text)).toEqual(["a", "b", "c"]);
    });

    it("is refused one by one", async () => {
      const { one, admin } = await open();
      await admin.hset("spry-ws-history:{t}:id:bad", "field", "value");
      const results = await Promise.allSettled([
        one.append("t", "a"),
        one.append("t", "bad", { id: "bad" }),
        one.append("t", "b"),
      ]);
      expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
      expect(results[1]).toMatchObject({ reason: { message: expect.stringContaining("WRONGTYPE") } });
      expect(results[1]).toSatisfy(({ reason }: PromiseRejectedResult) => isNotAppended(reason));
      expect((await one.read("t", "start")).texts).toEqual(["a", "b"]);
      await one.untilAppended("b");
      expect(one.appended.map(({ text, previousSeq }) => [text, previousSeq])).toEqual([
        ["a", 0],
        ["b", 1],
      ]);
      expect(one.states).toEqual(["up"]);
    });

    it("begins a new log where the meta is older than the log, and is all in it", async () => {
      const { one, admin } = await open();
      const [a] = await Promise.all([one.append("t", "a", { id: "a" }), one.append("t", "b")]);
      const meta = `${a.epoch} 1 ${a.tag} 3600000 ${Date.now()} ${Date.now()} ${Date.now()}`;
      await admin.set("spry-ws-history:{t}:meta", meta);
      const after = await Promise.all(numbers(3).map((text) => one.append("t", text)));
      expect(after.map(({ seq }) => seq)).toEqual([1, 2, 3]);
      expect(new Set(after.map(({ epoch }) => epoch)).size).toBe(1);
      expect(after[0]?.epoch).not.toBe(a.epoch);
      expect(await one.read("t", a)).toMatchObject({ isContinuous: false, texts: numbers(3) });
    });
  },
);
