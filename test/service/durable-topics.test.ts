import { createPublisher, memoryBackplane } from "@spry-ws/core";
import { createTopicPublisher, memoryHistory } from "@spry-ws/service";
import { describe, expect, it, vi } from "vitest";
import { FaultyHistory } from "../fixtures/faulty-history.ts";
import type { WireClient } from "../fixtures/wire-client.ts";
import { contract, type Live, serveLive } from "./durable.ts";

const room = { room: "1" };
const topic = "rooms/1";

async function say(live: Live, ...texts: string[]): Promise<string[]> {
  const published = await Promise.all(texts.map((text) => live.service.publish("rooms/:room", room, text)));
  return published.map(({ position }) => position);
}

/** The next frames of a topic, so many, without heartbeats. */
async function frames(client: WireClient, count: number): Promise<unknown[][]> {
  const all: unknown[][] = [];
  while (all.length < count) all.push([...(await client.next("s", "m", "g"))]);
  return all;
}

async function answered(client: WireClient): Promise<unknown[]> {
  return [...(await client.next("s"))];
}

describe("a durable topic", () => {
  it("brings each message with its position, which publish has told", async () => {
    await using live = await serveLive();
    await using client = await live.connect([[topic]]);
    const [, , state, start] = await answered(client);
    expect([state, start]).toEqual(["live", expect.stringMatching(/^[\w-]+\.0\.$/)]);
    const positions = await say(live, "a", "b");
    expect(await frames(client, 2)).toEqual([
      ["m", topic, positions[0], "a"],
      ["m", topic, positions[1], "b"],
    ]);
  });

  it("brings bytes", async () => {
    await using live = await serveLive();
    await using client = await live.connect([["bytes/1", "start"]]);
    await answered(client);
    const { position } = await live.service.publish("bytes/:id", { id: "1" }, new Uint8Array([0, 10, 255]));
    expect(await client.next("m")).toEqual(["m", "bytes/1", position, Buffer.from([0, 10, 255])]);
  });

  it("goes on where a client has left, with nothing twice and nothing missing", async () => {
    await using live = await serveLive();
    const positions = await say(live, "a", "b", "c");
    await using client = await live.connect([[topic, positions[0] ?? ""]]);
    expect(await frames(client, 3)).toEqual([
      ["s", topic, "resumed", positions[0]],
      ["m", topic, positions[1], "b"],
      ["m", topic, positions[2], "c"],
    ]);
    const [last] = await say(live, "d");
    expect(await frames(client, 1)).toEqual([["m", topic, last, "d"]]);
    await using other = await live.connect([[topic, last ?? ""]]);
    expect(await frames(other, 1)).toEqual([["s", topic, "resumed", last]]);
  });

  it("begins with all that is kept, with the last, or with what comes", async () => {
    await using live = await serveLive();
    const [, , , head] = await say(live, "a", "b", "c", "d");
    await using all = await live.connect([[topic, "start"]]);
    expect((await frames(all, 5)).map((frame) => frame[2 + Number(frame[0] === "m")])).toEqual([
      "live",
      "a",
      "b",
      "c",
      "d",
    ]);
    await using last = await live.connect([[topic, "last:2"]]);
    expect((await frames(last, 3)).map(([, , , data]) => data)).toEqual(["last:2", "c", "d"]);
    await using now = await live.connect([[topic, null]]);
    expect(await answered(now)).toEqual(["s", topic, "live", head]);
    // Where nothing is kept yet, everything that comes is wanted.
    await using empty = await live.connect([["rooms/2", "last:2"]]);
    expect(await answered(empty)).toEqual(["s", "rooms/2", "live", expect.stringMatching(/\.0\.$/)]);
  });

  it("has many pages", async () => {
    await using live = await serveLive();
    const texts = Array.from({ length: 1_000 }, (_, i) => String(i));
    await say(live, ...texts);
    await using client = await live.connect([[topic, "start"]]);
    await answered(client);
    expect((await frames(client, 1_000)).map(([, , , data]) => data)).toEqual(texts);
  });

  it.each([
    ["what is no position", "hello"],
    ["a position of another log", "e.3.t"],
    ["a number of messages that is none", "last:0"],
  ])("tells of a gap behind %s, and brings what is kept", async (_what, position) => {
    await using live = await serveLive();
    const [first, second] = await say(live, "a", "b");
    await using client = await live.connect([[topic, position]]);
    expect(await frames(client, 3)).toEqual([
      ["s", topic, "gap", expect.stringMatching(/\.0\.$/)],
      ["m", topic, first, "a"],
      ["m", topic, second, "b"],
    ]);
  });

  it("tells of a gap behind a position that is not kept any more, and of none in a quiet topic", async () => {
    const history = new FaultyHistory();
    await using live = await serveLive({ history });
    const positions = await say(live, "a", "b", "c");
    history.trim(topic, 1);
    await using client = await live.connect([[topic, positions[0] ?? ""]]);
    expect(await frames(client, 2)).toEqual([
      ["s", topic, "gap", expect.stringMatching(/\.0\.$/)],
      ["m", topic, positions[2], "c"],
    ]);
    history.trim(topic, 0);
    await using quiet = await live.connect([[topic, positions[2] ?? ""]]);
    expect(await answered(quiet)).toEqual(["s", topic, "resumed", positions[2]]);
  });

  it("tells of a gap where the store was restored from an old copy, and repeats nothing", async () => {
    const history = new FaultyHistory();
    await using live = await serveLive({ history });
    const positions = await say(live, "a", "b", "c");
    await using client = await live.connect([[topic, positions[2] ?? ""]]);
    await answered(client);
    history.goDown();
    history.rollBack(topic, 2);
    history.comeUp();
    expect(await frames(client, 1)).toEqual([["g", topic, positions[0]]]);
    // It has the number of a message that the client has got.
    const [again] = await say(live, "B");
    expect(await frames(client, 1)).toEqual([["m", topic, again, "B"]]);
  });

  it("ignores what a client sends as the position of a plain topic", async () => {
    await using live = await serveLive();
    await using client = await live.connect([["plain", "start"]]);
    expect(await answered(client)).toEqual(["s", "plain", "live"]);
    live.service.publish("plain", {}, "x");
    expect(await client.next("m")).toEqual(["m", "plain", null, "x"]);
  });

  it("asks who may with every subscription and resume, also of one that is live", async () => {
    let may = true;
    await using live = await serveLive({ topics: { "rooms/:room": { subscribe: () => may } } });
    await using client = await live.connect([[topic]]);
    await answered(client);
    may = false;
    client.say(["s", topic, "start"]);
    expect(await answered(client)).toEqual(["s", topic, "refused"]);
    const [position] = await say(live, "secret");
    await using other = await live.connect([[topic, position ?? ""]]);
    expect(await answered(other)).toEqual(["s", topic, "refused"]);
    client.say([]);
    expect(await client.frames.next()).toEqual([]);
  });

  it("begins anew where a client subscribes once more, and ends when it leaves", async () => {
    await using live = await serveLive();
    const positions = await say(live, "a", "b");
    await using client = await live.connect([[topic, "start"]]);
    await frames(client, 3);
    client.say(["s", topic, positions[0] ?? ""]);
    expect(await frames(client, 2)).toEqual([
      ["s", topic, "resumed", positions[0]],
      ["m", topic, positions[1], "b"],
    ]);
    client.say(["u", topic]);
    client.say([]);
    await client.next();
    await say(live, "c");
    client.say(["s", topic]);
    expect(await answered(client)).toEqual(["s", topic, "live", expect.stringMatching(/\.3\./)]);
  });

  it("is not in the topics of core, and of none in the backplane", async () => {
    await using live = await serveLive({ options: { backplane: memoryBackplane() } });
    await using client = await live.connect([[topic]]);
    await answered(client);
    await say(live, "a");
    await client.next("m");
    expect(live.spry.metrics()).toMatchObject({ topics: 0, backplanePublished: 0 });
  });
});

describe("a snapshot", () => {
  const doc = "docs/1";
  const publish = (live: Live, text: string) => live.service.publish("docs/:id", { id: "1" }, text);

  it("comes first, and what is published while it is made comes behind it", async () => {
    let live: Live | undefined;
    await using running = await serveLive({
      topics: {
        "docs/:id": {
          subscribe: true,
          async snapshot(_peer, { id }) {
            if (live) await publish(live, "meanwhile");
            return { text: `of ${id}` };
          },
        },
      },
    });
    live = running;
    const { position } = await publish(live, "before");
    await using client = await live.connect([[doc]]);
    expect(await frames(client, 2)).toEqual([
      ["s", doc, "live", position, { text: "of 1" }],
      ["m", doc, expect.any(String), "meanwhile"],
    ]);
  });

  it("is not for who resumes, nor for who wants messages instead", async () => {
    const snapshot = vi.fn(() => ({ text: "x" }));
    await using live = await serveLive({ topics: { "docs/:id": { subscribe: true, snapshot } } });
    const { position } = await publish(live, "a");
    await using client = await live.connect([[doc, position]]);
    expect(await answered(client)).toEqual(["s", doc, "resumed", position]);
    await using other = await live.connect([[doc, "start"]]);
    expect((await frames(other, 2)).map(([kind]) => kind)).toEqual(["s", "m"]);
    expect(snapshot).not.toHaveBeenCalled();
  });

  it("takes the place of what is missing, at the beginning and between messages", async () => {
    const history = new FaultyHistory();
    await using live = await serveLive({
      history,
      topics: { "docs/:id": { subscribe: true, snapshot: () => ({ text: "all" }) } },
    });
    const first = await publish(live, "a");
    await publish(live, "b");
    const third = await publish(live, "c");
    history.trim(doc, 1);
    await using client = await live.connect([[doc, first.position]]);
    expect(await frames(client, 1)).toEqual([["s", doc, "gap", third.position, { text: "all" }]]);
    history.goDown();
    history.empty();
    history.comeUp();
    expect(await frames(client, 1)).toEqual([["g", doc, "epoch-2.0.", { text: "all" }]]);
    const { position } = await publish(live, "d");
    expect(await frames(client, 1)).toEqual([["m", doc, position, "d"]]);
  });

  it.each([
    ["fails", () => Promise.reject(new Error("no database"))],
    ["does not fit", () => ({ text: 1 }) as never],
  ])("that %s is reported, and refuses the subscription", async (_what, snapshot) => {
    await using live = await serveLive({ topics: { "docs/:id": { subscribe: true, snapshot } } });
    await using client = await live.connect([[doc]]);
    expect(await answered(client)).toEqual(["s", doc, "refused"]);
    expect(live.errors).toEqual([expect.any(Error)]);
  });
});

describe("publish to a durable topic", () => {
  it("stores the same id once, and gives its position to all", async () => {
    await using live = await serveLive();
    const publish = () => live.service.publish("rooms/:room", room, "a", { id: "1" });
    const [one, other] = await Promise.all([publish(), publish()]);
    expect(other).toEqual(one);
  });

  it("throws at once for what does not fit, and for options that are none", async () => {
    await using live = await serveLive();
    const publish = (message: unknown, options?: unknown) => () =>
      live.service.publish("rooms/:room", room, message as string, options as object);
    expect(publish(1)).toThrow(expect.objectContaining({ code: "SPRY_WS_CONTRACT" }));
    expect(publish("a", { ids: 1 })).toThrow(/has no option "ids"/);
    expect(publish("a", { id: "" })).toThrow(/"id" must be a string of 1 to 256/);
    expect(publish("a", { timeoutMs: 0 })).toThrow(/"timeoutMs" must be/);
  });

  it("tries again what may have failed, under the same id: it is stored once", async () => {
    const history = new FaultyHistory();
    await using live = await serveLive({ history });
    await using client = await live.connect([[topic]]);
    await answered(client);
    let failures = 2;
    history.onAppended = () => {
      if (failures-- > 0) throw new Error("the answer was lost");
    };
    const [position] = await say(live, "a");
    expect(await frames(client, 1)).toEqual([["m", topic, position, "a"]]);
    expect([history.appends, history.kept(topic).length]).toEqual([3, 1]);
  });

  it("rejects with what is certain: not stored at once, and in time where nobody knows", async () => {
    const history = new FaultyHistory();
    await using live = await serveLive({ history });
    history.goDown();
    await expect(say(live, "a")).rejects.toMatchObject({ code: "SPRY_WS_NOT_PUBLISHED" });
    history.comeUp();
    history.onAppended = () => new Promise(() => {});
    const startedAt = performance.now();
    await Promise.all(
      [1, 15, 100, 150].map(async (timeoutMs) => {
        const published = live.service.publish("rooms/:room", room, "b", { timeoutMs });
        await expect(published).rejects.toMatchObject({ code: "SPRY_WS_MAYBE_PUBLISHED" });
        const tookMs = performance.now() - startedAt;
        expect(tookMs).toBeGreaterThan(timeoutMs - 2);
        expect(tookMs).toBeLessThan(timeoutMs + 2_000);
      }),
    );
    // What is refused on a later try may have been stored on the first.
    history.onAppended = () => {
      history.goDown();
      throw new Error("the answer was lost");
    };
    const unknown = live.service.publish("rooms/:room", room, "c", { timeoutMs: 200 });
    await expect(unknown).rejects.toMatchObject({
      code: "SPRY_WS_MAYBE_PUBLISHED",
      cause: { message: "the answer was lost" },
    });
  });

  it("works from a process without peers, and is waited for at the end", async () => {
    const history = memoryHistory();
    await using live = await serveLive({ history });
    await using client = await live.connect([[topic]]);
    await answered(client);
    const publisher = createPublisher({ backplane: memoryBackplane() });
    const topics = createTopicPublisher(publisher, contract, {
      history,
      topics: { "rooms/:room": { history: { maxMessages: 2 } } },
    });
    const published = topics.publish("rooms/:room", room, "a");
    await publisher.close();
    expect(await frames(client, 1)).toEqual([["m", topic, (await published).position, "a"]]);
    await expect(topics.publish("rooms/:room", room, "b")).rejects.toMatchObject({
      code: "SPRY_WS_NOT_PUBLISHED",
    });
    const other = createTopicPublisher(publisher, contract);
    expect(() => other.publish("rooms/:room", room, "a")).toThrow(/write createTopicPublisher\(.*history/);
  });
});

describe("the store of durable topics", () => {
  it("that is away is reported once; subscriptions wait, and what was missed comes without a gap", async () => {
    const history = new FaultyHistory();
    await using live = await serveLive({ history });
    await using client = await live.connect([[topic]]);
    await answered(client);
    await say(live, "a");
    await client.next("m");
    history.goDown();
    history.goDown();
    await using late = await live.connect([["rooms/2"], [topic, "start"]]);
    late.say([]);
    expect(await late.frames.next()).toEqual([]);
    // Another process publishes meanwhile.
    history.telling = "lose";
    history.comeUp();
    await Promise.all([say(live, "b"), say(live, "c")]);
    history.telling = "tell";
    history.goDown();
    history.comeUp();
    expect((await frames(client, 2)).map(([, , , data]) => data)).toEqual(["b", "c"]);
    const all = await frames(late, 5);
    expect(all.filter(([kind]) => kind === "m").map(([, , , data]) => data)).toEqual(["a", "b", "c"]);
    expect(live.errors).toMatchObject([{ code: "SPRY_WS_HISTORY" }, { code: "SPRY_WS_HISTORY" }]);
  });

  it("is read once for hundreds of clients that come back", async () => {
    const history = new FaultyHistory();
    let positions: string[] = [];
    {
      await using live = await serveLive({ history });
      positions = await say(live, ...Array.from({ length: 200 }, (_, i) => String(i)));
    }
    await using live = await serveLive({ history });
    history.reads = 0;
    history.heads = 0;
    const { length } = positions;
    const clients = await Promise.all(
      Array.from({ length: 300 }, (_, i) => live.connect([[topic, positions[length - 1 - (i % 100)] ?? ""]])),
    );
    for (const [i, client] of clients.entries()) {
      const got = await frames(client, 1 + (i % 100));
      expect(got[0]?.[2]).toBe("resumed");
      expect(got.slice(1).map(([, , position]) => position)).toEqual(positions.slice(length - (i % 100)));
      client.socket.terminate();
    }
    expect([history.heads, history.reads]).toEqual([1, 1]);
  }, 30_000);

  it("loses a last message only until logs are compared, at the latest every 30 s", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const history = new FaultyHistory();
      await using live = await serveLive({ history });
      await using client = await live.connect([[topic], ["rooms/2"]]);
      await answered(client);
      await answered(client);
      history.telling = "lose";
      history.heads = 0;
      const published = say(live, "a");
      await published;
      await vi.advanceTimersByTimeAsync(30_000);
      expect((await frames(client, 1))[0]?.[3]).toBe("a");
      expect(history.heads).toBe(1);
    } finally {
      vi.useRealTimers();
    }
  });

  it("is left when nobody follows a topic for some seconds, and closed with the instance", async () => {
    const history = new FaultyHistory();
    {
      await using live = await serveLive({ history });
      const client = await live.connect([[topic]]);
      await answered(client);
      expect([...history.subscribed]).toEqual([topic]);
      await client.cut();
      await vi.waitFor(() => expect(history.subscribed.size).toBe(0), { timeout: 9_000 });
      let stored = () => {};
      history.onAppended = () => new Promise<void>((resolve) => (stored = resolve));
      const published = say(live, "a");
      const closed = live.spry.close();
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(history.closed).toBe(0);
      stored();
      await closed;
      expect([history.closed, (await published).length]).toEqual([1, 1]);
      await expect(say(live, "b")).rejects.toMatchObject({ code: "SPRY_WS_NOT_PUBLISHED" });
    }
  });
});
