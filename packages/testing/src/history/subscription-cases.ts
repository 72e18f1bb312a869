import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { oddTopics } from "../odd-topics.ts";
import type { DefineCase } from "./case-run.ts";
import type { Appended, RecordedLink, Told } from "./recorded-link.ts";
import type { HistoryCase } from "./setup.ts";

/** What `events.appended` is told. */
export function subscriptionCases(define: DefineCase): HistoryCase[] {
  return [
    define(
      "tells every link that is subscribed of what anybody appends, in the order of the log",
      async (run) => {
        const links = [...(await run.openTwo()), await run.openUp()] as const;
        const topic = run.topic();
        await Promise.all(links.map(({ link }) => link.subscribe([topic])));
        await Promise.all(links.map((link, index) => link.appendMany(topic, 100, `${index} `)));
        const log = await links[0].readAll(topic, "start");
        for (const link of links) assertEvents(await link.taken(topic, await link.head(topic)), log);
      },
    ),

    define("tells nothing of an append that was a duplicate", async (run) => {
      const [one, two] = await run.openTwo();
      const topic = run.topic();
      await two.link.subscribe([topic]);
      await Promise.all([one.append(topic, "a", { id: "a" }), one.append(topic, "a", { id: "a" })]);
      await one.append(topic, "a", { id: "a" });
      const end = await one.append(topic, "end");
      assert.deepEqual(texts(await two.taken(topic, end)), ["a", "end"]);
    }),

    define(
      "tells of no other topic that looks like a pattern, or like the one subscribed to",
      async (run) => {
        const [one, two] = await run.openTwo();
        const end = run.topic("end");
        for (const subscribed of oddTopics) {
          await two.link.subscribe([subscribed, end]);
          await Promise.all(oddTopics.map((topic) => one.append(topic, JSON.stringify(topic))));
          await two.until(() => two.appended.length > 0, "an event");
          await untilEnd(one, two, end);
          assert.deepEqual(texts(two.appended.splice(0)), [JSON.stringify(subscribed)]);
          await two.link.unsubscribe([subscribed]);
        }
      },
    ),

    define("tells bytes as they are: none, all values, 1 MiB", async (run) => {
      const [one, two] = await run.openTwo();
      const topic = run.topic();
      await two.link.subscribe([topic]);
      const all = Uint8Array.from({ length: 256 }, (_, index) => index);
      const payloads = [new Uint8Array(), all, randomBytes(1_048_576), all.subarray(10, 20)];
      for (const data of payloads) {
        const events = await two.taken(topic, await one.append(topic, "", { data }));
        assert.ok(Buffer.from(data).equals(events[0]?.data ?? all), `${data.byteLength} bytes`);
      }
    }),

    define("stops after unsubscribe, and starts again", async (run) => {
      const [one, two] = await run.openTwo();
      const [left, kept] = [run.topic("left"), run.topic("kept")];
      await two.link.subscribe([left, kept]);
      await two.link.unsubscribe([left]);
      await one.append(left, "a");
      assert.deepEqual(texts(await two.taken(kept, await one.append(kept, "b"))), ["b"]);
      await two.link.subscribe([left]);
      assert.deepEqual(texts(await two.taken(left, await one.append(left, "c"))), ["c"]);
    }),

    define("takes calls in one turn in their order", async (run) => {
      const [one, two] = await run.openTwo();
      const [back, gone] = [run.topic("back"), run.topic("gone")];
      await two.link.subscribe([back]);
      await Promise.all([
        two.link.unsubscribe([back]),
        two.link.subscribe([back, gone]),
        two.link.unsubscribe([gone]),
      ]);
      await one.append(gone, "a");
      assert.deepEqual(texts(await two.taken(back, await one.append(back, "b"))), ["b"]);
    }),

    define("subscribes to 500 topics in one call, and leaves them in one", async (run) => {
      const [one, two] = await run.openTwo();
      const topics = Array.from({ length: 500 }, (_, index) => run.topic(`many/${index}`));
      const end = run.topic("end");
      await two.link.subscribe([...topics, end]);
      await Promise.all(topics.map((topic) => one.append(topic, topic)));
      await two.until(() => two.appended.length >= topics.length, "all events");
      assert.deepEqual(new Set(texts(two.appended.splice(0))), new Set(topics));
      await two.link.unsubscribe(topics);
      await Promise.all(topics.map((topic) => one.append(topic, topic)));
      await untilEnd(one, two, end);
      assert.deepEqual(two.appended, []);
      await two.link.subscribe([]);
      await two.link.unsubscribe([]);
    }),

    define("has subscriptions of its own for every link of one history", async (run) => {
      const [one, two] = await run.openTwo();
      const sibling = await run.openUp(two.history);
      const topic = run.topic();
      await Promise.all([two.link.subscribe([topic]), sibling.link.subscribe([topic])]);
      await sibling.link.unsubscribe([topic]);
      assert.deepEqual(texts(await two.taken(topic, await one.append(topic, "a"))), ["a"]);
      assert.deepEqual(sibling.appended, []);
      await sibling.link.close();
      assert.deepEqual(texts(await two.taken(topic, await one.append(topic, "b"))), ["b"]);
    }),
  ];
}

/** Asserts that the events are these messages, each behind the one before it. */
export function assertEvents(events: readonly Appended[], log: readonly Told[], previousSeq = 0): void {
  assert.deepEqual(
    events.map(({ position, text }) => ({ position, text })),
    log,
  );
  let previous = previousSeq;
  for (const event of events) {
    if (event.previousSeq !== undefined)
      assert.equal(event.previousSeq, previous, `before ${event.position.seq}`);
    previous = event.position.seq;
  }
}

/** Appends a last message, and takes its event: events of what was appended before have come by then. */
async function untilEnd(from: RecordedLink, to: RecordedLink, topic: string): Promise<void> {
  const { tag } = await from.append(topic, "end");
  const isEnd = ({ position }: Appended) => position.tag === tag;
  await to.until(() => to.appended.some(isEnd), "the last event");
  to.appended = to.appended.filter((event) => !isEnd(event));
}

function texts(events: readonly Appended[]): string[] {
  return events.map(({ text }) => text);
}
