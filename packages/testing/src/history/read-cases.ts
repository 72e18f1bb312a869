import assert from "node:assert/strict";
import type { HistoryPosition } from "@spry-ws/core";
import type { DefineCase } from "./case-run.ts";
import { plain } from "./recorded-link.ts";
import type { HistoryCase } from "./setup.ts";

/** Which messages a page has, and what it says of them. */
export function readCases(define: DefineCase): HistoryCase[] {
  return [
    define("has an empty log for a topic that nothing was appended to, the same for all", async (run) => {
      const [one, two] = await run.openTwo();
      const topic = run.topic();
      const head = await one.head(topic);
      assert.match(head.epoch, /^[\w-]{1,64}$/);
      assert.deepEqual([head.seq, head.tag], [0, ""]);
      for (const from of ["start", { last: 5 }, head] as const)
        assert.deepEqual(await two.read(topic, from), {
          entries: [],
          isContinuous: true,
          head,
          hasMore: false,
        });
    }),

    define("takes the head of an empty log for the position in front of its first message", async (run) => {
      const [one, two] = await run.openTwo();
      const topic = run.topic();
      const empty = await one.head(topic);
      const appended = await two.appendMany(topic, 3);
      assert.equal(appended[0]?.position.epoch, empty.epoch);
      assert.deepEqual(await one.readAll(topic, empty), appended);
    }),

    define("reads from the start, from the last messages on, and behind each position", async (run) => {
      const [one, two] = await run.openTwo();
      const topic = run.topic();
      const appended = await one.appendMany(topic, 10);
      const head = appended.at(-1)?.position;
      const expectPage = async (from: HistoryPosition | { last: number } | "start", first: number) =>
        assert.deepEqual(await two.read(topic, from), {
          entries: appended.slice(first),
          isContinuous: true,
          head,
          hasMore: false,
        });
      await expectPage("start", 0);
      await expectPage({ last: 1 }, 9);
      await expectPage({ last: 4 }, 6);
      await expectPage({ last: 10 }, 0);
      await expectPage({ last: 1_000 }, 0);
      for (const [index, { position }] of appended.entries()) await expectPage(position, index + 1);
    }),

    define("ends a page after maxMessages, and says that there is more", async (run) => {
      const [one, two] = await run.openTwo();
      const topic = run.topic();
      const appended = await one.appendMany(topic, 25);
      for (const [from, first] of [
        ["start", 0],
        [{ last: 20 }, 5],
        [appended[2]?.position as HistoryPosition, 3],
      ] as const) {
        const page = await two.read(topic, from, { maxMessages: 7 });
        assert.ok(
          page.entries.length >= 1 && page.entries.length <= 7,
          `${page.entries.length} messages of at most 7`,
        );
        assert.deepEqual(page.entries, appended.slice(first, first + page.entries.length));
        assert.ok(page.isContinuous && page.hasMore);
        assert.deepEqual(page.head, appended.at(-1)?.position);
        assert.deepEqual(await two.readAll(topic, from, { maxMessages: 7 }), appended.slice(first));
      }
      const whole = await two.read(topic, { last: 7 }, { maxMessages: 7 });
      assert.deepEqual([whole.entries, whole.hasMore], [appended.slice(-7), false]);
    }),

    define("ends a page after about maxBytes, and has one message of any size", async (run) => {
      const [one, two] = await run.openTwo();
      const topic = run.topic();
      const appended = await one.appendMany(topic, 40, "x".repeat(10_000));
      const page = await two.read(topic, "start", { maxBytes: 50_000 });
      assert.ok(
        page.entries.length >= 1 && page.entries.length <= 12,
        `${page.entries.length} messages of 10 KB in 50 KB`,
      );
      assert.ok(page.hasMore);
      assert.deepEqual(await two.readAll(topic, "start", { maxBytes: 50_000 }), appended);
      assert.deepEqual(await two.readAll(topic, { last: 3 }, { maxBytes: 1 }), appended.slice(-3));
    }),

    define(
      "keeps maxMessages, and says what is missing where it keeps no more",
      async (run) => {
        const [one, two] = await run.openTwo();
        const topic = run.topic();
        const empty = await one.head(topic);
        const mostKept = run.setup.mostKept ?? 1_000;
        const appended = await one.appendMany(topic, mostKept + 20);
        const head = appended.at(-1)?.position;
        const kept = await two.readAll(topic, "start");
        assert.ok(
          kept.length >= 10 && kept.length <= mostKept,
          `${kept.length} kept, of at least 10 and at most ${mostKept}`,
        );
        assert.deepEqual(kept, appended.slice(-kept.length));
        const first = appended.length - kept.length;
        for (const position of [empty, appended[0]?.position, appended[first - 2]?.position]) {
          if (!position) continue;
          const page = await two.read(topic, position);
          assert.deepEqual(page, { entries: kept, isContinuous: false, head, hasMore: false });
          const limited = await two.read(topic, position, { maxMessages: 3 });
          assert.deepEqual([limited.entries[0], limited.isContinuous], [kept[0], false]);
        }
        // Behind this one nothing is missing, but a store may not know that.
        const edge = await two.read(topic, appended[first - 1]?.position ?? "start");
        assert.deepEqual(edge.entries, kept);
        assert.deepEqual(await two.readAll(topic, kept[0]?.position ?? "start"), kept.slice(1));
        assert.deepEqual(await two.read(topic, head ?? "start"), {
          entries: [],
          isContinuous: true,
          head,
          hasMore: false,
        });
        assert.deepEqual((await two.read(topic, { last: mostKept + 20 })).isContinuous, true);
      },
      { maxMessages: 10 },
    ),

    define("does not take positions of other logs for its own", async (run) => {
      const [one, two] = await run.openTwo();
      const topic = run.topic();
      const appended = await one.appendMany(topic, 5);
      const [first, , third, , last] = appended.map(({ position }) => position) as HistoryPosition[];
      if (!first || !third || !last) throw new Error("five messages");
      const foreign: HistoryPosition[] = [
        { ...first, epoch: `${first.epoch.slice(1)}_` },
        { ...last, epoch: "other" },
        { epoch: "other", seq: 0, tag: "" },
        { ...first, tag: third.tag },
        { ...third, tag: first.tag },
        { ...third, tag: "" },
        { ...last, tag: "AAAAAAAA" },
        { ...last, seq: last.seq + 1 },
        { ...last, seq: last.seq + 1_000_000, tag: "AAAAAAAA" },
        { ...first, seq: 0 },
        { epoch: "", seq: 0, tag: "" },
        { epoch: "a\r\nb", seq: Number.MAX_SAFE_INTEGER, tag: "x".repeat(1_000) },
      ];
      for (const position of foreign) {
        const page = await two.read(topic, position);
        const text = JSON.stringify(position).slice(0, 200);
        assert.equal(page.isContinuous, false, text);
        assert.deepEqual(page.entries, appended, text);
        assert.deepEqual(page.head, last, text);
      }
      // Of a log that there was before this topic was emptied.
      const other = run.topic();
      const page = await two.read(other, last);
      assert.deepEqual([page.isContinuous, page.entries, page.head.seq], [false, [], 0]);
    }),

    define(
      "stays continuous where nothing is appended for longer than maxAgeMs",
      async (run) => {
        const [one, two] = await run.openTwo();
        const [topic, unused] = [run.topic("quiet"), run.topic("empty")];
        const empty = await one.head(unused);
        const appended = await one.appendMany(topic, 3);
        const { agedOutMs = 2_500 } = run.setup;
        await new Promise((resolve) => setTimeout(resolve, Number.isFinite(agedOutMs) ? agedOutMs : 2_500));
        const head = appended.at(-1)?.position as HistoryPosition;
        assert.deepEqual(await two.head(topic), head);
        const quiet = { entries: [], isContinuous: true, head, hasMore: false };
        assert.deepEqual(await two.read(topic, head), quiet);
        const unusedPage = { entries: [], isContinuous: true, head: empty, hasMore: false };
        assert.deepEqual(await two.read(unused, empty), unusedPage);
        const behindFirst = await two.read(topic, appended[0]?.position as HistoryPosition);
        assert.deepEqual(
          behindFirst.entries,
          behindFirst.isContinuous ? appended.slice(1) : appended.slice(3 - behindFirst.entries.length),
        );
        const next = { position: await one.append(topic, "next"), text: "next" };
        assert.deepEqual(await two.readAll(topic, head), [next]);
        assert.equal(next.position.epoch, head.epoch);
        if (!Number.isFinite(agedOutMs)) return;
        assert.deepEqual((await two.read(topic, "start")).entries, [next], "what is too old is not kept");
        const page = await two.read(topic, appended[0]?.position as HistoryPosition);
        assert.deepEqual([page.isContinuous, page.entries], [false, [next]]);
      },
      { maxAgeMs: 1_000 },
    ),

    define("tells the heads of many topics in their order", async (run) => {
      const [one, two] = await run.openTwo();
      const topics = Array.from({ length: 500 }, (_, index) => run.topic(`many/${index}`));
      const used = topics.filter((_, index) => index % 2 === 0);
      const positions = new Map(
        await Promise.all(used.map(async (topic) => [topic, await one.append(topic, topic)] as const)),
      );
      const heads = (await two.link.heads(topics)).map(plain);
      assert.equal(heads.length, topics.length);
      for (const [index, topic] of topics.entries()) {
        const position = positions.get(topic);
        if (position) assert.deepEqual(heads[index], position);
        else assert.deepEqual([heads[index]?.seq, heads[index]?.tag], [0, ""]);
      }
      assert.deepEqual((await one.link.heads(topics)).map(plain), heads);
      assert.deepEqual(await two.link.heads([]), []);
    }),
  ];
}
