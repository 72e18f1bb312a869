import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { defineContract } from "@spry-ws/contract";
import type { Presence } from "@spry-ws/contract/wire";
import { createSpryWs, type Peer, type SpryWsOptions } from "@spry-ws/core";
import { createService, type ServiceImplementation } from "@spry-ws/service";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { listen } from "../fixtures/listen.ts";
import { clientId, WireClient } from "../fixtures/wire-client.ts";

const contract = defineContract({
  topics: { "rooms/:room": { message: z.string(), presence: z.string() } },
});
type Limits = ServiceImplementation<typeof contract, unknown>["limits"];

const size = 30_000;
const text = (n: number) => String(n).padEnd(size, "x");

/** A room with so many members, each with 30 KB of data. */
async function serveRoom(memberCount: number, limits: Limits = {}, options: SpryWsOptions = {}) {
  const spry = createSpryWs(options);
  const peers: Peer[] = [];
  const service = createService(spry, contract, {
    open: (peer) => void peers.push(peer),
    limits: { maxMemberBytes: 40_000, ...limits },
    topics: {
      "rooms/:room": {
        subscribe: true,
        presence: (peer) => ({ key: peer.id, data: text(0) }),
        graceMs: 0,
      },
    },
  });
  const server = createServer(spry.handler(service));
  spry.attach(server);
  const { url } = await listen(server);
  const connect = async () => {
    const client = await WireClient.connect(url("/"));
    client.say(["h", clientId(), [["rooms/1"]]]);
    await client.next("h");
    await client.next("s");
    return client;
  };
  const clients = await Promise.all(Array.from({ length: memberCount }, connect));
  const room = service.presence("rooms/:room", { room: "1" });
  await expect.poll(() => room.count).toBe(memberCount);
  return {
    room,
    peers,
    connect,
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.socket.terminate();
      await spry.close({ deadlineMs: 0 });
      server.close();
    },
  };
}

/** What a client knows after the frames that have come. */
class Known {
  members = new Map<string, unknown>();
  bytes = 0;
  largest = 0;
  lists = 0;
  #coming = new Map<string, unknown>();

  read(client: WireClient): this {
    client.socket.on("message", (data: Buffer) => {
      const frame = JSON.parse(data.toString());
      if (frame[0] !== "P") return;
      this.bytes += data.length;
      this.largest = Math.max(this.largest, data.length);
      this.#take(frame[2]);
    });
    return this;
  }

  #take({ count, all, from, set = [], gone = [] }: Presence): void {
    if (all) {
      if (from === 0) this.#coming = new Map();
      for (const [key, data] of all) this.#coming.set(key, data);
      if (this.#coming.size < count) return;
      this.members = this.#coming;
      this.lists++;
    }
    for (const [key, data] of set) this.members.set(key, data);
    for (const key of gone) this.members.delete(key);
  }
}

describe("a client that goes from one topic to the next", () => {
  it.each([
    ["leaves", 0],
    ["says that it comes back", 1],
  ])("and %s, makes the process follow only so many", async (_, pauses) => {
    const spry = createSpryWs();
    const service = createService(spry, contract, {
      limits: { maxIdleTopics: 10 },
      topics: { "rooms/:room": { subscribe: true, presence: (peer) => ({ key: peer.id, data: "" }) } },
    });
    const server = createServer(spry.handler(service));
    spry.attach(server);
    const { url } = await listen(server);
    await using client = await WireClient.connect(url("/"));
    client.say(["h", clientId(), []]);
    await client.next("h");
    for (let n = 0; n < 200; n++) {
      client.say(["s", `rooms/${n}`, null]);
      await client.next("s");
      client.say(["u", `rooms/${n}`, pauses]);
    }
    client.say(["s", "rooms/last", null]);
    await client.next("s");
    expect(spry.metrics().listeners).toBe(11);
    await spry.close({ deadlineMs: 0 });
    server.close();
  });
});

describe("a client that looks who is there", () => {
  it("gets a long list in several frames", async () => {
    await using live = await serveRoom(20);
    await using client = await live.connect();
    const known = new Known().read(client);
    client.say(["p", "rooms/1", 1]);
    await expect.poll(() => known.members.size).toBe(21);
    expect(isDeepStrictEqual(known.members, live.room.members)).toBe(true);
    expect(known.largest).toBeLessThan(65_536 + 1_000);
  });

  it("and does not read, holds no memory for what it misses, and knows all when it reads again", async () => {
    await using live = await serveRoom(40);
    await using slow = await live.connect();
    await using quick = await live.connect();
    const [known, quickly] = [new Known().read(slow), new Known().read(quick)];
    quick.say(["p", "rooms/1", 1]);
    slow.say(["p", "rooms/1", 1]);
    await expect.poll(() => [known.members.size, quickly.members.size]).toEqual([42, 42]);
    slow.socket.pause();
    const slowPeer = live.peers[40];
    for (let n = 1; n <= 20; n++) {
      for (const peer of live.peers) live.room.update(peer, text(n));
      // Changes of 50 ms go out together.
      await sleep(60);
    }
    // 25 MB were not sent; one frame, and what was waiting before it.
    expect(slowPeer?.bufferedAmount).toBeLessThan(200_000);
    const isUpToDate = ({ members }: Known) => isDeepStrictEqual(members, live.room.members);
    await expect.poll(() => isUpToDate(quickly)).toBe(true);
    slow.socket.resume();
    await expect.poll(() => isUpToDate(known), { timeout: 5_000 }).toBe(true);
    expect(known.bytes).toBeLessThan(quickly.bytes);
    // It is told of what comes then as all others.
    live.room.update(live.peers[0] as Peer, text(21));
    const { id = "" } = live.peers[0] ?? {};
    await expect.poll(() => known.members.get(id) === text(21)).toBe(true);
  }, 30_000);

  it("again and again, is sent only so much in a second", async () => {
    await using live = await serveRoom(10, { maxReadBytesPerSecond: 500_000 });
    await using client = await live.connect();
    const known = new Known().read(client);
    const startedAt = performance.now();
    while (performance.now() - startedAt < 1_000) {
      for (let n = 0; n < 20; n++) {
        client.say(["p", "rooms/1", 1]);
        client.say(["p", "rooms/1", 0]);
      }
      await sleep(10);
    }
    const seconds = (performance.now() - startedAt) / 1_000;
    // As much at once as in a second, and one frame more.
    expect(known.bytes).toBeLessThan(500_000 * (1 + seconds) + 65_536);
    expect(known.bytes).toBeGreaterThan(500_000);
    client.say(["p", "rooms/1", 1]);
    const isUpToDate = () => isDeepStrictEqual(known.members, live.room.members);
    await expect.poll(isUpToDate, { timeout: 5_000 }).toBe(true);
  });

  it("many times, without a word between, is sent the list once", async () => {
    await using live = await serveRoom(2);
    await using client = await live.connect();
    const known = new Known().read(client);
    for (let n = 0; n < 1_000; n++) client.say(["p", "rooms/1", 1]);
    await expect.poll(() => known.lists).toBe(1);
    client.say(["q", 1, "none", null]);
    await client.next("f");
    expect(known.lists).toBe(1);
  });
});

describe("createService", () => {
  const spry = createSpryWs({});
  const plain = defineContract({ topics: { plain: { message: z.string() } } });
  const room = { subscribe: true, presence: () => undefined };

  it.each<[what: string, contract: object, topic: object, error: RegExp]>([
    [
      "without the function",
      contract,
      { subscribe: true },
      /"topics" needs \{ presence \} for "rooms\/:room"/,
    ],
    [
      "with what is none",
      contract,
      { ...room, presence: true },
      /a function that gives \{ key, data \} of a peer/,
    ],
    [
      "with a grace that is none",
      contract,
      { ...room, graceMs: -1 },
      /"graceMs" of "rooms\/:room" must be a whole/,
    ],
    ["with one without end", contract, { ...room, graceMs: Infinity }, /from 0 to 3600000, not Infinity/],
    [
      "with members of a topic that has none",
      plain,
      room,
      /the topic "plain" has no members; write "presence"/,
    ],
    ["with their grace", plain, { subscribe: true, graceMs: 1 }, /the topic "plain" has no members/],
  ])("says so at once, %s", (_what, contract, topic, error) => {
    const [pattern] = Object.keys((contract as typeof plain).topics);
    expect(() => createService(spry, contract, { topics: { [pattern ?? ""]: topic } } as never)).toThrow(
      error,
    );
  });
});

it("refuses a subscription whose presence gives no member, and says what one is", async () => {
  const onError = vi.fn();
  const spry = createSpryWs({ onError });
  const presence = () => "ada" as never;
  const service = createService(spry, contract, { topics: { "rooms/:room": { subscribe: true, presence } } });
  const server = createServer(spry.handler(service));
  spry.attach(server);
  const { url } = await listen(server);
  await using client = await WireClient.connect(url("/"));
  client.say(["h", clientId(), [["rooms/1"]]]);
  expect(await client.next("s")).toEqual(["s", "rooms/1", "refused"]);
  expect(String(onError.mock.calls[0]?.[0])).toContain("a member is { key, data }, not a string");
  await spry.close({ deadlineMs: 0 });
  server.close();
});

it("reports what a listener throws to onError, as one", async () => {
  const reported: unknown[] = [];
  const onError: SpryWsOptions["onError"] = (error, { stage }) => void reported.push([error, stage]);
  await using room = await serveRoom(0, {}, { onError });
  const wrong = new Error("wrong");
  room.room.listen(() => {
    throw wrong;
  });
  await using _client = await room.connect();
  await expect.poll(() => room.room.count).toBe(1);
  expect(reported).toEqual([[wrong, "listener"]]);
});
