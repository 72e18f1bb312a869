import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { FaultyHistory } from "../fixtures/faulty-history.ts";
import type { WireClient } from "../fixtures/wire-client.ts";
import { type Live, serveLive } from "./durable.ts";

const topic = "rooms/1";
const text = "x".repeat(8_000);
const count = 1_500;

async function publishMany(live: Live): Promise<void> {
  for (let i = 0; i < count; i++) {
    await live.service.publish("rooms/:room", { room: "1" }, `${i} ${text}`);
    // So that the operating system is asked whether it takes more.
    if (i % 50 === 0) await sleep(1);
  }
}

/** The numbers of messages, and gaps, as they come, until the last. */
async function numbersOf(client: WireClient): Promise<(number | "gap")[]> {
  const all: (number | "gap")[] = [];
  while (all.at(-1) !== count - 1) {
    const frame = await client.next("m", "g");
    all.push(frame[0] === "g" ? "gap" : Number.parseInt(String(frame[3]), 10));
  }
  return all;
}

async function slowClient(live: Live): Promise<WireClient> {
  const client = await live.connect([[topic]]);
  await client.next("s");
  client.socket.pause();
  return client;
}

const everything = Array.from({ length: count }, (_, i) => i);

describe("a client that does not read what is published to a durable topic", () => {
  it.each([
    ["by default", undefined],
    ["where little may wait", { maxBytes: 1_000, onLimit: "close" } as const],
    ["where messages would be dropped", { maxBytes: 1_000, onLimit: "drop" } as const],
  ])(
    "gets everything when it reads again, and holds no memory meanwhile, %s",
    async (_when, sendBuffer) => {
      await using live = await serveLive({ options: sendBuffer ? { sendBuffer } : {} });
      await using client = await slowClient(live);
      await publishMany(live);
      const [peer] = live.spry.peers;
      expect(peer?.bufferedAmount).toBeLessThan(65_536 + text.length);
      client.socket.resume();
      expect(await numbersOf(client)).toEqual(everything);
      expect(live.spry.metrics()).toMatchObject({ messagesDropped: 0, terminated: { sendBuffer: 0 } });
      // It is live again.
      await live.service.publish("rooms/:room", { room: "1" }, "live");
      expect((await client.next("m"))[3]).toBe("live");
    },
    30_000,
  );

  it("is told of a gap in its place, where the log has not kept what is missing", async () => {
    const history = new FaultyHistory();
    await using live = await serveLive({ history });
    await using client = await slowClient(live);
    await publishMany(live);
    history.trim(topic, 10);
    client.socket.resume();
    const numbers = await numbersOf(client);
    const at = numbers.indexOf("gap");
    // What is in memory besides the log may come too.
    const kept = numbers.length - at - 1;
    expect(kept).toBeGreaterThanOrEqual(10);
    expect(numbers).toEqual([...everything.slice(0, at), "gap", ...everything.slice(-kept)]);
  }, 30_000);

  it("does not hold up the others", async () => {
    await using live = await serveLive();
    await using slow = await slowClient(live);
    await using quick = await live.connect([[topic]]);
    await quick.next("s");
    const numbers = numbersOf(quick);
    await publishMany(live);
    expect(await numbers).toEqual(everything);
    slow.socket.terminate();
  }, 30_000);
});

describe("what a client reads of the log", () => {
  it("is bounded in a second", async () => {
    await using live = await serveLive({ limits: { maxReadBytesPerSecond: 100_000 } });
    for (let i = 0; i < 20; i++) await live.service.publish("rooms/:room", { room: "1" }, text);
    await using client = await live.connect([[topic, "start"]]);
    const startedAt = performance.now();
    for (let i = 0; i < 20; i++) await client.next("m");
    await live.service.publish("rooms/:room", { room: "1" }, "live");
    await client.next("m");
    // 160 KB, of which it may have 100 at once.
    expect(performance.now() - startedAt).toBeGreaterThan(550);
  });
});
