import assert from "node:assert/strict";
import type { CaseRun, DefineCase } from "./case-run.ts";
import type { RecordedLink } from "./recorded-link.ts";
import type { HistoryCase } from "./setup.ts";

/** The beginning and the end of a link. */
export function closeCases(define: DefineCase): HistoryCase[] {
  return [
    define("says when it is up", async (run) => {
      const one = await run.openUp();
      assert.deepEqual(one.states, ["up"]);
    }),

    define("settles what was called before it is up, and does not pretend to have stored it", async (run) => {
      const one = await run.open();
      const topic = run.topic();
      const calls = [
        one.append(topic, "early"),
        one.link.read(topic, { from: "start", maxMessages: 1, maxBytes: 1 }),
        one.link.heads([topic]),
        one.link.subscribe([topic]),
        one.link.unsubscribe([topic]),
      ];
      const [appended] = await Promise.all(calls.map((call) => run.settled<unknown>("a call", call)));
      await one.up();
      const stored = (await one.readAll(topic, "start")).length;
      if (appended) assertTold(appended, stored);
    }),

    define(
      "settles what was called before it closes, and does not pretend to have stored it",
      async (run) => {
        const [one, two] = await run.openTwo();
        const topic = run.topic();
        const texts = Array.from({ length: 100 }, (_, index) => String(index));
        const calls = texts.map((text) => one.append(topic, text));
        await run.settled("close", one.link.close());
        const results = await Promise.all(calls.map((call) => run.settled("append", call)));
        const stored = (await two.readAll(topic, "start")).map(({ text }) => text);
        for (const [index, result] of results.entries())
          assertTold(result, stored.filter((text) => text === texts[index]).length);
      },
    ),

    define("rejects what is called after close, and leaves the client alone", async (run) => {
      const [one, two] = await run.openTwo();
      const topic = run.topic();
      await one.link.subscribe([topic]);
      await one.link.close();
      one.expectSilence();
      await two.link.subscribe([topic]);
      await two.taken(topic, await two.append(topic, "told to others"));
      assertNotAppended(await run.settled("append", one.append(topic, "late")));
      for (const [what, call] of lateCalls(one, topic)) {
        const { status } = await run.settled(what, call);
        if (what === "read" || what === "heads") assert.equal(status, "rejected", `${what} after close`);
      }
      assert.deepEqual(
        (await two.readAll(topic, "start")).map(({ text }) => text),
        ["told to others"],
      );
      await run.assertClientsUsable();
    }),

    define("closes at any moment, and more than once", async (run) => {
      const early = await run.open();
      early.expectSilence();
      await closeTwice(run, early);
      const late = await run.openUp();
      const calls = [late.append(run.topic(), "late"), late.link.subscribe([run.topic()])];
      await closeTwice(run, late);
      await Promise.all(calls.map((call) => run.settled<unknown>("a call", call)));
    }),
  ];
}

/** Asserts that the error is one of `notAppended`. */
function assertNotAppended(result: PromiseSettledResult<unknown>): void {
  assert.equal(result.status, "rejected");
  assert.ok(isNotAppended(result.reason), `an error of notAppended, not ${result.reason}`);
}

/** As `isNotAppended` of core: the cases need nothing of it at run time. */
export function isNotAppended(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "SPRY_WS_NOT_PUBLISHED";
}

/** Asserts that what an append was told is true. @param stored how often the message is in the log */
function assertTold(result: PromiseSettledResult<unknown>, stored: number): void {
  if (result.status === "fulfilled") assert.equal(stored, 1, "an append that resolves is stored");
  else if (isNotAppended(result.reason)) assert.equal(stored, 0, "an error of notAppended: it is not stored");
  else assert.ok(stored <= 1);
}

function lateCalls({ link }: RecordedLink, topic: string): [what: string, call: Promise<unknown>][] {
  return [
    ["read", link.read(topic, { from: "start", maxMessages: 1, maxBytes: 1 })],
    ["heads", link.heads([topic])],
    ["subscribe", link.subscribe([topic])],
    ["unsubscribe", link.unsubscribe([topic])],
  ];
}

async function closeTwice(run: CaseRun, { link }: RecordedLink): Promise<void> {
  for (const close of [Promise.all([link.close(), link.close()]), link.close()]) {
    const { status } = await run.settled<unknown>("close", close);
    assert.equal(status, "fulfilled", "close does not reject");
  }
}
