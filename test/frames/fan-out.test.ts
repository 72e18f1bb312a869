import { setImmediate as nextTurn } from "node:timers/promises";
import type { Peer, SpryWsOptions } from "@spry-ws/core";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { Client } from "../fixtures/client.ts";
import { openPeers } from "../fixtures/many-peers.ts";

const seed = Number(process.env.FAN_OUT_SEED) || Math.floor(Math.random() * 2 ** 31);
/** Many enough that what is published waits for the end of the tick. */
const peerCount = 30;
const topics = ["one", "two", "three", "four"];

const start = (options: SpryWsOptions = {}, writeMs = 0) =>
  openPeers(peerCount, { sendBuffer: false, ...options }, writeMs);

/** Reads until the text that ends a round. */
async function readRound(client: Client | undefined): Promise<string[]> {
  const received: string[] = [];
  for (;;) {
    const data = await client?.next();
    const text = typeof data === "string" ? data : `bytes ${Buffer.from(data as Uint8Array).toString()}`;
    if (text === "end of the round") return received;
    received.push(text);
  }
}

const topic = fc.constantFrom(...topics);
const peer = fc.nat(peerCount - 1);
/** Now and then so long that what waits is given at once. */
const text = fc.oneof(
  { weight: 30, arbitrary: fc.string({ minLength: 1, maxLength: 200 }) },
  { weight: 1, arbitrary: fc.integer({ min: 20_000, max: 300_000 }).map((size) => "x".repeat(size)) },
);
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant("publish" as const), topic, text }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("publish bytes" as const), topic, text }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("publish from" as const), peer, topic, text }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("send" as const), peer, text }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("join" as const), peer, topic }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("leave" as const), peer, topic }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("look" as const), peer }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("tick" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("turn" as const) }) },
);

describe("what is published in a tick", () => {
  beforeAll(() => console.log(`fan-out: seed ${seed}; FAN_OUT_SEED sets it`));

  it.each([
    ["by default", {}, 0],
    ["in slices", { writeSliceMs: 1 }, 0.2],
    ["with compression", { perMessageDeflate: { serverNoContextTakeover: true, threshold: 100 } }, 0],
    ["with a low high-water mark", { highWaterMarkBytes: 100 }, 0],
  ])(
    "comes to each peer once and in order, whatever else is done meanwhile, %s",
    async (_, options, writeMs) => {
      await using app = await start(options, writeMs);
      const { spry, peers, clients } = app;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 80 }), async (steps) => {
          const expected: string[][] = peers.map(() => []);
          const publish = (name: string, message: string, except?: Peer): void => {
            for (const [i, one] of peers.entries())
              if (one !== except && one.topics.has(name)) expected[i]?.push(message);
          };
          // All but a few subscribe to all but the last topic, which is left to few.
          for (const [i, one] of peers.entries())
            for (const [k, name] of topics.entries())
              if (k < 3 ? i % 5 !== k : i < 4) one.subscribe(name);
              else one.unsubscribe(name);
          for (const one of steps) {
            const who = "peer" in one ? (peers[one.peer] as Peer) : undefined;
            if (one.do === "publish") {
              publish(one.topic, one.text);
              spry.publish(one.topic, one.text);
            } else if (one.do === "publish bytes") {
              const bytes = Buffer.from(one.text);
              publish(one.topic, `bytes ${bytes.toString()}`);
              spry.publish(one.topic, bytes);
              bytes.fill(0);
            } else if (one.do === "publish from") {
              publish(one.topic, one.text, who);
              who?.publish(one.topic, one.text);
            } else if (one.do === "send") {
              expected[one.peer]?.push(one.text);
              who?.send(one.text);
            } else if (one.do === "join") who?.subscribe(one.topic);
            else if (one.do === "leave") who?.unsubscribe(one.topic);
            else if (one.do === "look") expect(who?.bufferedAmount).toBeGreaterThanOrEqual(0);
            else if (one.do === "tick") await new Promise(process.nextTick);
            else await nextTurn();
          }
          for (const one of peers) one.send("end of the round");
          const received = await Promise.all(clients.map(readRound));
          expect(received).toEqual(expected);
        }),
        { seed, numRuns: writeMs > 0 ? 10 : 40 },
      );
    },
    60_000,
  );
});

it("what is published right before a peer is closed still comes, and the counters have it", async () => {
  await using app = await start();
  const { spry, peers, clients } = app;
  for (const one of peers) one.subscribe("one");
  spry.publish("one", "last words");
  expect(peers[0]?.bufferedAmount).toBe(2 + "last words".length);
  void peers[0]?.close(4000, "bye");
  await new Promise(process.nextTick);
  for (const client of clients) expect(await client.next()).toBe("last words");
  expect(spry.metrics().messagesSent).toBe(peerCount);
});

it("who reads nothing is given no more than its send buffer takes, and all others everything", async () => {
  await using app = await start({ sendBuffer: { maxBytes: 2_000, onLimit: "drop" } });
  const { spry, peers, clients } = app;
  const [stalled] = peers as [Peer];
  clients[0]?.socket.pause();
  while (spry.metrics().messagesDropped === 0) {
    stalled.send("x".repeat(10_000));
    await nextTurn();
  }
  while (stalled.send("x".repeat(10))) await nextTurn();
  for (const one of peers) one.subscribe("one");
  const before = spry.metrics();
  for (const message of ["a", "b", "c"]) spry.publish("one", message.repeat(2_000));
  for (const client of clients.slice(1))
    for (const message of ["a", "b", "c"]) expect(await client.next()).toBe(message.repeat(2_000));
  const after = spry.metrics();
  expect(after.messagesSent - before.messagesSent).toBe(3 * (peerCount - 1));
  expect(after.messagesDropped - before.messagesDropped).toBe(3);
});

it("a topic that is published to without end does not hold up others", async () => {
  await using app = await start({ writeSliceMs: 1 }, 0.2);
  const { spry, peers, clients } = app;
  for (const [i, one] of peers.entries()) one.subscribe(i < 20 ? "one" : "two");
  let isOver = false;
  const endless = async (): Promise<void> => {
    while (!isOver) {
      spry.publish("one", "again");
      await new Promise(setImmediate);
    }
  };
  const running = endless();
  for (let i = 0; i < 20; i++) {
    spry.publish("two", `${i}`);
    for (const client of clients.slice(20)) expect(await client.next()).toBe(`${i}`);
  }
  isOver = true;
  await running;
});
