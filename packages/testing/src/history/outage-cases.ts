import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { HistoryPosition } from "@spry-ws/core";
import type { CaseRun, DefineCase } from "./case-run.ts";
import { isNotAppended } from "./close-cases.ts";
import type { RecordedLink, Told } from "./recorded-link.ts";
import type { HistoryCase, HistorySetup } from "./setup.ts";
import { assertEvents } from "./subscription-cases.ts";

/** Lost connections, and a store that ends. */
export function outageCases(define: DefineCase, { interrupt, restart }: HistorySetup): HistoryCase[] {
  return [
    ...(interrupt ? interruptCases(define, interrupt) : []),
    ...(restart ? [restartCase(define, restart)] : []),
  ];
}

function interruptCases(define: DefineCase, interrupt: () => unknown): HistoryCase[] {
  return [
    define("is back by itself after a lost connection, with its subscriptions", async (run) => {
      const [one, two] = await openForOutage(run);
      const topic = run.topic();
      const left = run.topic("left");
      await two.link.subscribe([topic, left]);
      await two.link.unsubscribe([left]);
      const before = await one.append(topic, "before");
      await two.taken(topic, before);
      await interrupt();
      await Promise.all([backUp(one, 1), backUp(two, 1)]);
      await one.append(left, "left");
      const after = await one.append(topic, "after");
      const events = await two.taken(topic, after);
      assertEvents(events, [{ position: after, text: "after" }], before.seq);
    }),

    define("finds by reading what was appended while it was away", async (run) => {
      const [one, two] = await openForOutage(run);
      const topic = run.topic();
      const before = await one.append(topic, "before");
      await interrupt();
      const appended: Told[] = [];
      for (const text of ["a", "b", "c"])
        appended.push({ position: await persistently(run, one, topic, text), text });
      await backUp(two, 1);
      assert.deepEqual(await two.head(topic), appended.at(-1)?.position);
      assert.deepEqual(await two.readAll(topic, before), appended);
    }),

    define(
      "stores every message once that is appended again under its id, over lost connections",
      async (run) => {
        const [one, two] = await openForOutage(run);
        const topic = run.topic();
        const stored: Told[] = [];
        const given: string[] = [];
        const refused: string[] = [];
        for (let round = 0; round < 4; round++) {
          const texts = Array.from({ length: 200 }, (_, index) => `${round}/${index}`);
          const calls = texts.map(async (text, index) => {
            const id = randomUUID();
            const first = await run.settled("append", one.append(topic, text, { id }));
            // What is certainly not stored must not come later either: every second such message is left as it is.
            if (first.status === "rejected" && isNotAppended(first.reason) && index % 2 === 0) {
              refused.push(text);
              return;
            }
            given.push(text);
            const position =
              first.status === "fulfilled" ? first.value : await persistently(run, one, topic, text, id);
            stored.push({ position, text });
          });
          await interrupt();
          await Promise.all(calls);
          await one.up();
        }
        await two.up();
        const read = await two.readAll(topic, "start");
        assert.deepEqual(
          read.map(({ text }) => text).sort(),
          given.sort(),
          "all that were stored, once each",
        );
        assert.deepEqual(
          read.filter(({ text }) => refused.includes(text)),
          [],
        );
        stored.sort((a, b) => a.position.seq - b.position.seq);
        assert.deepEqual(read, stored, "each call was told the position of its message");
      },
    ),
  ];
}

function restartCase(define: DefineCase, restart: () => unknown): HistoryCase {
  return define(
    "takes a log for another one when the store has lost it, or has a part of it only",
    async (run) => {
      const [one, two] = await openForOutage(run);
      const topic = run.topic();
      const empty = await one.head(topic);
      await two.link.subscribe([topic]);
      const before = await one.appendMany(topic, 5);
      await two.taken(topic, before.at(-1)?.position as HistoryPosition);
      await restart();
      await Promise.all([backUp(one, 1), backUp(two, 1)]);
      const after: Told[] = [];
      for (let index = 0; index < 8; index++) {
        const text = `after ${index}`;
        after.push({ position: await persistently(run, one, topic, text), text });
      }
      await two.taken(topic, after.at(-1)?.position as HistoryPosition);
      const known = [...before, ...after];
      for (const [index, { position }] of [{ position: empty }, ...before].entries()) {
        const { isContinuous, entries } = await two.read(topic, position);
        if (isContinuous) assert.deepEqual(entries, known.slice(index));
        else assert.deepEqual(entries.slice(-8), after);
      }
      assert.deepEqual(await two.readAll(topic, after[0]?.position ?? "start"), after.slice(1));
    },
  );
}

async function openForOutage(run: CaseRun): Promise<[RecordedLink, RecordedLink]> {
  const links = await run.openTwo();
  for (const link of links) link.expectOutage();
  return links;
}

/** Waits until the link was down so many times, and is up. */
function backUp(link: RecordedLink, outages: number): Promise<void> {
  const isBack = () =>
    link.states.filter((state, index) => state === "down" && link.states[index - 1] === "up").length >=
      outages && link.states.at(-1) === "up";
  return link.until(isBack, "down, and then up");
}

/** Appends until it is stored, under the same id, or the time of the case is over. */
async function persistently(
  run: CaseRun,
  link: RecordedLink,
  topic: string,
  text: string,
  id: string = randomUUID(),
): Promise<HistoryPosition> {
  const endsAt = performance.now() + run.timeoutMs;
  for (;;) {
    try {
      return await link.append(topic, text, { id });
    } catch (error) {
      if (performance.now() > endsAt) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
      await link.up();
    }
  }
}
