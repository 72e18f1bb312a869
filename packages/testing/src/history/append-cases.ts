import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { oddTopics } from "../odd-topics.ts";
import type { DefineCase } from "./case-run.ts";
import { plain, type Told } from "./recorded-link.ts";
import type { HistoryCase } from "./setup.ts";

/** Ids that a store might confuse with each other, or take for something else. */
const oddIds = [
  "",
  " ",
  "a",
  "A",
  "a b",
  "a\r\nb: c",
  "\0",
  "*",
  "é",
  "日本",
  "\ud83d",
  "\ude00",
  "x".repeat(256),
];

/** What is stored, in which order, and what ids do. */
export function appendCases(define: DefineCase): HistoryCase[] {
  return [
    define(
      "gives every message a position: numbers grow from 1 on, tags differ, the epoch stays",
      async (run) => {
        const [one, two] = await run.openTwo();
        const topic = run.topic();
        const told = [
          await one.append(topic, "a"),
          await two.append(topic, "b"),
          await one.append(topic, "c"),
        ];
        let last = 0;
        for (const { epoch, seq, tag } of told) {
          assert.match(epoch, /^[\w-]{1,64}$/);
          assert.match(tag, /^[\w-]{8,64}$/, "a tag of 48 bits or more");
          assert.ok(Number.isSafeInteger(seq) && seq > last, `${seq} is a whole number above ${last}`);
          assert.equal(epoch, told[0]?.epoch);
          last = seq;
        }
        assert.equal(new Set(told.map(({ tag }) => tag)).size, 3);
      },
    ),

    define("keeps bytes as they are: none, all values, 1 MiB", async (run) => {
      const [one, two] = await run.openTwo();
      const topic = run.topic();
      const all = Uint8Array.from({ length: 256 }, (_, index) => index);
      // The last one is a view in the middle of a larger buffer: nothing around it may be stored.
      const payloads = [new Uint8Array(), all, randomBytes(1_048_576), all.subarray(10, 20)];
      const before = payloads.map((data) => Buffer.from(data));
      for (const data of payloads) await one.append(topic, "", { data });
      const { entries } = await two.link.read(topic, {
        from: "start",
        maxMessages: 10,
        maxBytes: 10_000_000,
      });
      assert.equal(entries.length, payloads.length);
      for (const [index, { data }] of entries.entries()) {
        assert.ok(
          before[index]?.equals(data),
          `${before[index]?.length} bytes are read as they were appended`,
        );
        assert.ok(before[index]?.equals(payloads[index] as Uint8Array), "what was given is not changed");
      }
    }),

    define(
      "stores 2,000 messages of one link in the order of the calls, which do not wait for each other",
      async (run) => {
        const [one, two] = await run.openTwo();
        const topic = run.topic();
        const appended = await one.appendMany(topic, 2_000);
        assert.deepEqual(await two.readAll(topic, "start"), appended);
      },
    ),

    define(
      "stores what three links append at once in one order for all, and in the order of each",
      async (run) => {
        const links = [...(await run.openTwo()), await run.openUp()];
        const topic = run.topic();
        const appended = await Promise.all(
          links.map((link, index) => link.appendMany(topic, 300, `${index} `)),
        );
        const read = await links[0]?.readAll(topic, "start");
        const bySeq = (a: Told, b: Told) => a.position.seq - b.position.seq;
        assert.deepEqual(read, appended.flat().sort(bySeq));
        for (const own of appended) assert.deepEqual(own, own.toSorted(bySeq));
        for (const link of links) assert.deepEqual(await link.readAll(topic, "start"), read);
      },
    ),

    define(
      "stores a message once that is appended twice under one id, and gives both calls its position",
      async (run) => {
        const [one, two] = await run.openTwo();
        const topic = run.topic();
        const id = randomUUID();
        const first = await one.append(topic, "first", { id });
        const other = await one.append(topic, "other");
        assert.deepEqual(await one.append(topic, "first", { id }), first);
        assert.deepEqual(await two.append(topic, "first", { id }), first);
        assert.deepEqual(await two.readAll(topic, "start"), [
          { position: first, text: "first" },
          { position: other, text: "other" },
        ]);
      },
    ),

    define("stores a message once that several links append under one id at the same time", async (run) => {
      const links = [...(await run.openTwo()), await run.openUp()];
      const topic = run.topic();
      for (const round of ["a", "b", "c", "d"]) {
        const calls = links.flatMap((link) => [0, 1].map(() => link.append(topic, round, { id: round })));
        const [first, ...others] = await Promise.all(calls);
        for (const position of others) assert.deepEqual(position, first);
      }
      const read = await links[0]?.readAll(topic, "start");
      assert.deepEqual(
        read?.map(({ text }) => text),
        ["a", "b", "c", "d"],
      );
    }),

    define(
      "knows the id of a message that it does not keep any more",
      async (run) => {
        const [one, two] = await run.openTwo();
        const topic = run.topic();
        const first = await one.append(topic, "first", { id: "first" });
        const appended = await one.appendMany(topic, (run.setup.mostKept ?? 1_000) + 1);
        assert.deepEqual(await two.append(topic, "first", { id: "first" }), first);
        assert.deepEqual(await one.head(topic), appended.at(-1)?.position);
      },
      { maxMessages: 10 },
    ),

    define("takes the same id in two topics for two messages", async (run) => {
      const one = await run.openUp();
      const topics = [run.topic("a"), run.topic("b")] as const;
      const positions = await Promise.all(topics.map((topic) => one.append(topic, topic, { id: "same" })));
      for (const [index, topic] of topics.entries())
        assert.deepEqual(await one.readAll(topic, "start"), [{ position: positions[index], text: topic }]);
    }),

    define("keeps ids apart that look like each other", async (run) => {
      const one = await run.openUp();
      const topic = run.topic();
      const positions = await Promise.all(oddIds.map((id) => one.append(topic, id, { id })));
      assert.equal(new Set(positions.map(({ seq }) => seq)).size, oddIds.length);
      const again = await Promise.all(oddIds.map((id) => one.append(topic, id, { id })));
      assert.deepEqual(again, positions);
    }),

    define("keeps topics apart that look like patterns, or like each other", async (run) => {
      const [one, two] = await run.openTwo();
      // These topics are the same in every run: what an earlier one has appended may be there.
      const before = (await one.link.heads(oddTopics)).map(plain);
      const appended = await Promise.all(
        oddTopics.map(async (topic) => ({ position: await one.append(topic, topic), text: topic })),
      );
      assert.deepEqual(
        (await two.link.heads(oddTopics)).map(plain),
        appended.map(({ position }) => position),
      );
      for (const [index, topic] of oddTopics.entries()) {
        const page = await two.read(topic, { last: 1 });
        const text = Buffer.from(topic).toString();
        assert.deepEqual(page.entries, [{ position: appended[index]?.position, text }]);
        const behind = await two.read(topic, before[index] ?? "start");
        if (behind.isContinuous) assert.deepEqual(behind.entries, page.entries);
      }
    }),
  ];
}
