import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { BackplaneMessage, BackplaneRefusal } from "@spry-ws/core";
import { oddTopics } from "../odd-topics.ts";
import { assertOptions } from "../options.ts";
import { CaseRun } from "./case-run.ts";
import { message } from "./recorded-link.ts";
import type { BackplaneCase, BackplaneSetup } from "./setup.ts";

export type { BackplaneCase, BackplaneSetup, BackplaneUnderTest } from "./setup.ts";

/**
 * The cases that every backplane must pass. They use nothing but the contract, `Backplane`.
 *
 * @throws TypeError `SPRY_WS_TEST_ARGUMENT` for an unknown option
 * @example
 * for (const { name, run } of backplaneCases({ create })) it(name, run);
 */
export function backplaneCases(setup: BackplaneSetup): BackplaneCase[] {
  assertOptions(setup, ["create", "refusedTopic", "timeoutMs"], "backplaneCases(setup)");
  const define = (name: string, body: (run: CaseRun) => Promise<void>): BackplaneCase => ({
    name,
    async run() {
      await using run = new CaseRun(setup);
      await body(run);
    },
  });
  const { refusedTopic } = setup;
  const refusals =
    refusedTopic === undefined
      ? []
      : [
          define("refuses one topic of a call, says which, and takes the others", async (run) => {
            const [one, two] = await run.openTwo();
            const subscribed = two.link.subscribe(["first", refusedTopic, "last"]);
            await assertRefused(subscribed, [refusedTopic]);
            const messages = ["first", refusedTopic, "last", refusedTopic, "first"].map(message);
            await assertRefused(one.link.publish(messages), [messages[1], messages[3]]);
            await one.publishEnd([two]);
            assert.deepEqual(two.topics(), ["first", "first", "last"]);
          }),
        ];
  return [
    ...refusals,
    define("says when it is up", async (run) => {
      const link = await run.open();
      assert.deepEqual(link.states, ["up"]);
    }),

    define("carries bytes as they are: none, all values, 1 MiB", async (run) => {
      const [one, two] = await run.openTwo();
      await two.link.subscribe(["bytes"]);
      const all = Uint8Array.from({ length: 256 }, (_, index) => index);
      // The last one is a view in the middle of a larger buffer: nothing around it may be sent.
      const payloads = [new Uint8Array(), all, randomBytes(1_048_576), all.subarray(10, 20)];
      for (const data of payloads) await one.link.publish([{ topic: "bytes", data }]);
      for (const data of payloads) {
        const received = await two.next();
        assert.equal(received.topic, "bytes");
        assert.ok(Buffer.from(data).equals(received.data), `${data.byteLength} bytes arrive as they are`);
      }
    }),

    define("does not change the bytes it is given", async (run) => {
      const [one, two] = await run.openTwo();
      await two.link.subscribe(["kept"]);
      const data = Uint8Array.from([1, 2, 3]);
      await one.link.publish([{ topic: "kept", data }]);
      await two.next();
      assert.deepEqual(data, Uint8Array.from([1, 2, 3]));
    }),

    define(
      "keeps the order of a topic's 10,000 messages, in many calls that do not wait for each other",
      async (run) => {
        const [one, two] = await run.openTwo();
        await two.link.subscribe(["order"]);
        const count = 10_000;
        const calls: Promise<void>[] = [];
        for (let sent = 0; sent < count; ) {
          const batch: BackplaneMessage[] = [];
          for (const end = Math.min(count, sent + 1 + (calls.length % 100)); sent < end; sent++)
            batch.push({ topic: "order", data: Buffer.from(String(sent)) });
          calls.push(one.link.publish(batch));
        }
        await Promise.all(calls);
        for (let expected = 0; expected < count; expected++) {
          const { data } = await two.next();
          assert.equal(Buffer.from(data).toString(), String(expected));
        }
      },
    ),

    define("delivers every topic of one call to those who want it, and to nobody else", async (run) => {
      const [one, two] = await run.openTwo();
      const three = await run.open();
      await Promise.all([two.link.subscribe(["a", "b"]), three.link.subscribe(["b", "c"])]);
      await one.link.publish(["a", "b", "c", "d"].map(message));
      await one.publishEnd([two, three]);
      assert.deepEqual(two.topics(), ["a", "b"]);
      assert.deepEqual(three.topics(), ["b", "c"]);
    }),

    define("keeps topics apart that look like patterns, or like each other", async (run) => {
      const [one, two] = await run.openTwo();
      for (const subscribed of oddTopics) {
        await two.link.subscribe([subscribed]);
        await one.link.publish(oddTopics.map(message));
        await one.publishEnd([two]);
        assert.deepEqual(two.take(), [[subscribed, subscribed]]);
        await two.link.unsubscribe([subscribed]);
      }
    }),

    define("stops after unsubscribe, and starts again", async (run) => {
      const [one, two] = await run.openTwo();
      await two.link.subscribe(["left", "kept"]);
      await two.link.unsubscribe(["left"]);
      await one.link.publish([message("left"), message("kept")]);
      await one.publishEnd([two]);
      assert.deepEqual(two.topics(), ["kept"]);
      await two.link.subscribe(["left"]);
      await one.link.publish([message("left")]);
      await one.publishEnd([two]);
      assert.deepEqual(two.topics(), ["left"]);
    }),

    define("takes calls in one tick in their order", async (run) => {
      const [one, two] = await run.openTwo();
      await two.link.subscribe(["back"]);
      await Promise.all([
        two.link.unsubscribe(["back"]),
        two.link.subscribe(["back", "gone"]),
        two.link.unsubscribe(["gone"]),
      ]);
      await one.link.publish([message("gone"), message("back")]);
      await one.publishEnd([two]);
      assert.deepEqual(two.topics(), ["back"]);
    }),

    define("subscribes to 1,000 topics in one call, and leaves them in one", async (run) => {
      const [one, two] = await run.openTwo();
      const topics = Array.from({ length: 1_000 }, (_, index) => `many/${index}`);
      await two.link.subscribe(topics);
      await one.link.publish(topics.map(message));
      await one.publishEnd([two]);
      assert.deepEqual(new Set(two.topics()), new Set(topics));
      await two.link.unsubscribe(topics);
      await one.link.publish(topics.map(message));
      await one.publishEnd([two]);
      assert.deepEqual(two.topics(), []);
    }),

    define("takes calls with nothing in them", async (run) => {
      const { link } = await run.open();
      await link.subscribe([]);
      await link.publish([]);
      await link.unsubscribe([]);
    }),

    define("has subscriptions of its own for every link of one backplane", async (run) => {
      const [one, two] = await run.openTwo();
      const sibling = await run.open(two.backplane);
      await Promise.all([two.link.subscribe(["shared"]), sibling.link.subscribe(["shared"])]);
      await sibling.link.unsubscribe(["shared"]);
      await one.link.publish([message("shared")]);
      await one.publishEnd([two, sibling]);
      assert.deepEqual(two.topics(), ["shared"]);
      assert.deepEqual(sibling.topics(), []);
      await sibling.link.close();
      await one.link.publish([message("shared")]);
      await one.publishEnd([two]);
      assert.deepEqual(two.topics(), ["shared"]);
    }),

    define("hands over what it was given before it closes", async (run) => {
      const [one, two] = await run.openTwo();
      await two.link.subscribe(["last"]);
      const messages = Array.from({ length: 100 }, () => message("last"));
      const published = one.link.publish(messages);
      await one.link.close();
      await published;
      for (const _ of messages) await two.next();
    }),

    define("tells nothing after close, and leaves the client alone", async (run) => {
      const [one, two] = await run.openTwo();
      await two.link.subscribe(["after"]);
      await two.link.close();
      two.expectSilence();
      const three = await run.open();
      await three.link.subscribe(["after"]);
      await one.link.publish([message("after")]);
      await one.publishEnd([three]);
      assert.deepEqual(three.topics(), ["after"]);
      await run.assertClientsUsable();
    }),

    define("closes at any moment, and more than once", async (run) => {
      const link = await run.open(undefined, false);
      link.expectSilence();
      await Promise.all([link.link.close(), link.link.close()]);
      await link.link.close();
      const late = await run.open();
      const calls = [late.link.subscribe(["late"]), late.link.publish([message("late")])];
      await late.link.close();
      await Promise.allSettled(calls);
    }),
  ];
}

/** Asserts that the call rejects, and that exactly these parts of it were refused. */
async function assertRefused(call: Promise<void>, parts: readonly unknown[]): Promise<void> {
  await assert.rejects(call, (error: Partial<BackplaneRefusal<string>>) => {
    assert.deepEqual(new Set(error.refused?.keys()), new Set(parts));
    for (const reason of error.refused?.values() ?? []) assert.ok(reason instanceof Error);
    return true;
  });
}
