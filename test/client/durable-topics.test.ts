import { setTimeout as sleep } from "node:timers/promises";
import type { Client, TopicFrom, TopicHandle, TopicItem } from "@spry-ws/client";
import { afterEach, describe, expect, it } from "vitest";
import { type contract, LogService } from "./log-service.ts";

type Item = TopicItem<number, number, string>;

let client: Client<typeof contract> | undefined;

afterEach(() => client?.close());

function start({ published = 0, maxItems = 4, hasSnapshots = false } = {}) {
  const service = new LogService(hasSnapshots);
  const { log } = service;
  log.publish(published);
  const connected = service.connect(maxItems);
  client = connected;
  return { service, log, client: connected };
}

/** What a use gets: messages by their data, other items in words. */
function listen(handle: TopicHandle<Item>): unknown[] {
  const items: unknown[] = [];
  handle.onItem((item) => items.push(inShort(item)));
  return items;
}

function inShort(item: Item | undefined): unknown {
  return item?.type === "snapshot" ? `snapshot ${item.data}` : item?.type === "gap" ? "gap" : item?.data;
}

async function read(loop: AsyncIterator<Item, undefined>, count: number): Promise<unknown[]> {
  const items: unknown[] = [];
  while (items.length < count) items.push(inShort((await loop.next()).value));
  return items;
}

describe("a durable topic", () => {
  it.each<[from: TopicFrom | undefined, items: unknown[]]>([
    [undefined, [4]],
    ["now", [4]],
    ["start", [1, 2, 3, 4]],
    [{ last: 2 }, [2, 3, 4]],
    ["e1.1.t1", [2, 3, 4]],
    ["e0.1.t1", ["gap", 1, 2, 3, 4]],
  ])("begins from %j with %j", async (from, expected) => {
    const { service, log, client } = start({ published: 3 });
    const handle = client.topic("log", {}, from === undefined ? {} : { from });
    const items = listen(handle);
    await service.arrive();
    log.publish(1);
    await service.arrive();
    expect(items).toEqual(expected);
    expect(handle.position).toBe(log.head);
  });

  it.each<[from: unknown]>([["then"], [{ last: 0 }], [{ last: 1.5 }], [null], ["undefined"], [7]])(
    "cannot begin from %j, and says so at once",
    (from) => {
      const { client } = start();
      expect(() => client.topic("log", {}, { from: from as TopicFrom })).toThrow(
        expect.objectContaining({
          code: "SPRY_WS_CONTRACT",
          message: `"from" must be "now", "start", { last: 50 } or a position, not ${JSON.stringify(from)}`,
        }),
      );
    },
  );

  it("knows where it is before anything has come, and keeps it", async () => {
    const { service, log, client } = start({ published: 3 });
    const handle = client.topic("log");
    expect(handle.position).toBeUndefined();
    await service.arrive();
    expect(handle.position).toBe(log.head);
    log.publish(1);
    await service.arrive();
    // Nobody has got it yet: whoever listens now gets it.
    const items = listen(handle);
    await service.arrive();
    expect(items).toEqual([4]);
  });

  it("goes on where it was when the connection is back, without a gap", async () => {
    const { service, log, client } = start({ published: 1 });
    const items = listen(client.topic("log"));
    await service.arrive();
    for (let n = 0; n < 3; n++) {
      service.cut();
      log.publish(1);
      await service.arrive();
    }
    expect(items).toEqual([2, 3, 4]);
  });

  it("tells of a gap in its place, and the snapshot heals it", async () => {
    const { service, log, client } = start({ hasSnapshots: true });
    const items = listen(client.topic("log"));
    await service.arrive();
    service.cut();
    log.publish(3);
    log.trim(2);
    await service.arrive();
    log.publish(1);
    await service.arrive();
    expect(items).toEqual(["snapshot 0", "gap", "snapshot 3", 3, 4]);
  });

  it("has a use that begins in the past beside one that does not", async () => {
    const { service, log, client } = start({ published: 3 });
    const now = listen(client.topic("log"));
    await service.arrive();
    log.publish(1);
    await service.arrive();
    const all = listen(client.topic("log", {}, { from: "start" }));
    log.publish(1);
    await service.arrive();
    log.publish(1);
    await service.arrive();
    expect(all).toEqual([1, 2, 3, 4, 5, 6]);
    expect(now).toEqual([4, 5, 6]);
  });

  it("has uses side by side whose places are known only by what comes", async () => {
    const { service, log, client } = start({ published: 4 });
    const all = listen(client.topic("log", {}, { from: "start" }));
    const last = listen(client.topic("log", {}, { from: { last: 2 } }));
    await service.arrive();
    service.cut();
    log.publish(1);
    await service.arrive();
    expect([all, last]).toEqual([
      [1, 2, 3, 4, 5],
      [3, 4, 5],
    ]);
  });

  it("gives each use that begins now a snapshot of its own", async () => {
    const { service, log, client } = start({ published: 1, hasSnapshots: true });
    const first = listen(client.topic("log"));
    await service.arrive();
    log.publish(1);
    await service.arrive();
    const second = listen(client.topic("log"));
    await service.arrive();
    expect(first).toEqual(["snapshot 1", 2]);
    expect(second).toEqual(["snapshot 2"]);
  });

  it("is subscribed to where it is first used between the hellos of client and service", async () => {
    const { service, client } = start({ published: 1 });
    await sleep(1);
    expect(client.status.state).toBe("connecting");
    const items = listen(client.topic("log", {}, { from: "start" }));
    await service.arrive();
    await service.arrive();
    expect(items).toEqual([1]);
  });

  it("ends with its client, for loops that begin later too", async () => {
    const { service, client } = start();
    const handle = client.topic("log");
    await service.arrive();
    client.close();
    await expect(handle[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "closed" });
    const later = client.topic("log")[Symbol.asyncIterator]();
    await expect(later.next()).rejects.toMatchObject({ code: "closed" });
  });

  it("goes on in the next loop where the one before has ended", async () => {
    const { service, client } = start({ published: 3 });
    const handle = client.topic("log", {}, { from: "start" });
    const first: unknown[] = [];
    const reading = (async () => {
      for await (const item of handle) {
        first.push(inShort(item));
        break;
      }
    })();
    await service.arrive();
    await reading;
    const second = handle[Symbol.asyncIterator]();
    await service.arrive();
    expect([first, await read(second, 2)]).toEqual([[1], [2, 3]]);
  });
});

describe("a loop that is slower than its durable topic", () => {
  it("is left alone until it has read half of what waits, and gets everything", async () => {
    const { service, log, client } = start({ published: 10 });
    const loop = client.topic("log", {}, { from: "start" })[Symbol.asyncIterator]();
    await service.arrive();
    expect(service.heard.at(-1)).toEqual(["u", "log", 1]);
    expect(loop).toHaveProperty("size", 4);
    log.publish(1);
    expect(await read(loop, 1)).toEqual([1]);
    await service.arrive();
    expect(service.heard.at(-1)).toEqual(["u", "log", 1]);
    expect(await read(loop, 1)).toEqual([2]);
    await service.arrive();
    expect(service.heard.slice(-2)).toEqual([
      ["s", "log", "e1.4.t4"],
      ["u", "log", 1],
    ]);
    const rest: unknown[] = [];
    while (rest.length < 9) {
      rest.push(...(await read(loop, 1)));
      await service.arrive();
    }
    expect(rest).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  it("takes nothing from others that are faster", async () => {
    const { service, log, client } = start();
    const fast = listen(client.topic("log"));
    const loop = client.topic("log")[Symbol.asyncIterator]();
    await service.arrive();
    for (let n = 0; n < 5; n++) {
      log.publish(3);
      await service.arrive();
    }
    expect(fast).toHaveLength(15);
    expect(service.heard).not.toContainEqual(["u", "log", 1]);
    const slow: unknown[] = [];
    while (slow.length < 15) {
      slow.push(...(await read(loop, 1)));
      await service.arrive();
    }
    expect(slow).toEqual(fast);
    expect(fast).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
  });
});
