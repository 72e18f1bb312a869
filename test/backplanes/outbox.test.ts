import { setTimeout as sleep } from "node:timers/promises";
import { createPublisher, createSpryWs, type PublisherOptions } from "@spry-ws/core";
import { refusalOf } from "@spry-ws/core/adapter";
import { describe, expect, it } from "vitest";
import { type LinkCall, ManualBackplane } from "../fixtures/manual-backplane.ts";
import { memoryInUse } from "../fixtures/memory.ts";

const lost = new Error("connection lost");

function setUp(backplaneBuffer: PublisherOptions["backplaneBuffer"] = {}) {
  const backplane = new ManualBackplane();
  const errors: Error[] = [];
  const onError = (error: unknown) => errors.push(error as Error);
  const publisher = createPublisher({ backplane, backplaneBuffer, onError });
  return { backplane, errors, publisher };
}

function texts({ messages }: LinkCall): string[] {
  return messages.map(({ data }) => Buffer.from(data).subarray(15).toString());
}

describe("what comes back in an outage", () => {
  it("is handed over again in the order of then, whichever call was the first to fail", async () => {
    const { backplane, publisher } = setUp();
    backplane.events.up();
    const calls: LinkCall[] = [];
    for (const text of ["1", "2", "3"]) {
      publisher.publish("news", text);
      calls.push(await backplane.next("publish"));
    }
    backplane.events.down(lost);
    publisher.publish("news", "4");
    for (const index of [1, 2, 0]) {
      calls[index]?.reject(lost);
      await sleep(1);
    }
    backplane.events.up();
    const again = await backplane.next("publish");
    again.resolve();
    expect(texts(again)).toEqual(["1", "2", "3", "4"]);
  });

  it("is dropped first by dropOldest, in that order too", async () => {
    // 15 bytes of envelope and 4 of the topic each: room for three.
    const { backplane, publisher } = setUp({ maxBytes: 60, onLimit: "dropOldest" });
    backplane.events.up();
    publisher.publish("news", "1");
    const first = await backplane.next("publish");
    publisher.publish("news", "2");
    const second = await backplane.next("publish");
    backplane.events.down(lost);
    second.reject(lost);
    first.reject(lost);
    await sleep(1);
    for (const text of ["3", "4"]) publisher.publish("news", text);
    backplane.events.up();
    const again = await backplane.next("publish");
    again.resolve();
    expect(texts(again)).toEqual(["2", "3", "4"]);
  });
});

describe("the bound of the buffer", () => {
  it("lets in one message larger than itself, with dropOldest for all that waited", async () => {
    const { backplane, publisher } = setUp({ maxBytes: 60, onLimit: "dropOldest" });
    const large = "x".repeat(100);
    for (const text of ["1", "2", large]) publisher.publish("news", text);
    backplane.events.up();
    const call = await backplane.next("publish");
    call.resolve();
    expect(texts(call)).toEqual([large]);
  });

  it("drops no older message for one that has no room beside what is under way", async () => {
    const { backplane, publisher } = setUp({ maxBytes: 1_100_000, onLimit: "dropOldest" });
    backplane.events.up();
    publisher.publish("news", new Uint8Array(1_050_000));
    const first = await backplane.next("publish");
    for (const payload of ["waits", "x".repeat(100_000)]) publisher.publish("news", payload);
    first.resolve();
    const second = await backplane.next("publish");
    second.resolve();
    expect(texts(second)).toEqual(["waits"]);
  });

  it("counts the topics: they may be longer than what is said there", async () => {
    const { backplane, errors, publisher } = setUp({ maxBytes: 10_000 });
    for (let i = 0; i < 20; i++) publisher.publish(`${i}`.padEnd(1_000), "");
    backplane.events.up();
    const call = await backplane.next("publish");
    call.resolve();
    expect(call.messages).toHaveLength(9);
    expect(errors).toMatchObject([{ code: "SPRY_WS_BACKPLANE_FULL" }]);
  });

  it("is reported again where there was room in between, though something was always under way", async () => {
    // 15 bytes of envelope and 4 of the topic each.
    const { backplane, errors, publisher } = setUp({ maxBytes: 100 });
    backplane.events.up();
    const publish = (...texts: string[]) => {
      for (const text of texts) publisher.publish("news", text);
      return backplane.next("publish");
    };
    const first = await publish("1", "2", "3");
    const second = await publish("4");
    const large = "x".repeat(80);
    for (const text of [large, large]) publisher.publish("news", text);
    expect(errors).toHaveLength(1);
    first.resolve();
    await sleep(1);
    publisher.publish("news", large);
    expect(errors).toHaveLength(2);
    second.resolve();
  });

  it("bounds the memory too: what is dropped is let go", () => {
    const { publisher } = setUp({ maxBytes: 5_000_000, onLimit: "dropOldest" });
    const before = memoryInUse().arrayBuffers;
    for (let i = 0; i < 200; i++) publisher.publish("news", new Uint8Array(1_000_000));
    expect(memoryInUse().arrayBuffers - before).toBeLessThan(50_000_000);
  });
});

describe("what is refused", () => {
  it("is all that counts as dropped, and each topic is reported once, until one of its messages is taken", async () => {
    const backplane = new ManualBackplane();
    const errors: string[] = [];
    await using spry = createSpryWs({ backplane, onError: (error) => errors.push((error as Error).message) });
    backplane.events.up();
    const publish = async (topics: string[], refused: string[]) => {
      for (const topic of topics) spry.publish(topic, "");
      const call = await backplane.next("publish");
      const parts = call.messages.filter(({ topic }) => refused.includes(topic));
      if (parts.length === 0) call.resolve();
      else call.reject(refusalOf(new Map(parts.map((part) => [part, new Error("NOPERM")]))));
      await sleep(1);
    };
    await publish(["a", "no", "b", "no"], ["no"]);
    await publish(["no", "a"], ["no"]);
    await publish(["no", "1", "2", "3", "4", "5", "6"], ["no", "1", "2", "3", "4", "5", "6"]);
    expect(errors).toHaveLength(2);
    expect(spry.metrics()).toMatchObject({ backplanePublished: 13, backplaneDropped: 10 });
    const text = "until it takes something there again, what it refuses is only counted";
    expect(errors[0]).toContain(`manual refuses what is published to "no"; ${text}`);
    expect(errors[0]).toMatch(/: NOPERM$/);
    expect(errors[1]).toContain('manual refuses what is published to "1", "2", "3", "4", "5" and 1 more; ');
    await publish(["no"], []);
    await publish(["no"], ["no"]);
    expect(errors).toHaveLength(3);
  });

  it("takes no memory without bound", async () => {
    const { backplane, errors, publisher } = setUp(false);
    backplane.events.up();
    const before = memoryInUse().heapUsed;
    for (let i = 0; i < 100; i++) {
      publisher.publish(Buffer.alloc(500_000, `${i} `).toString("latin1"), "");
      (await backplane.next("publish")).reject(new Error("NOPERM"));
      await sleep(0);
    }
    errors.length = 0;
    expect(memoryInUse().heapUsed - before).toBeLessThan(5_000_000);
  });
});

describe("what an outage has left", () => {
  it("goes out in parts, each once the one before is confirmed", async () => {
    const { backplane, publisher } = setUp();
    for (let i = 0; i < 25_000; i++) publisher.publish("news", String(i));
    backplane.events.up();
    const sizes: number[] = [];
    const received: string[] = [];
    while (received.length < 25_000) {
      const call = await backplane.next("publish");
      sizes.push(call.messages.length);
      received.push(...texts(call));
      call.resolve();
    }
    expect(sizes).toEqual([10_000, 10_000, 5_000]);
    expect(received).toEqual(Array.from({ length: 25_000 }, (_, index) => String(index)));
  });
});

describe("close()", () => {
  it("reports what a link that cannot recover did not take", async () => {
    const { backplane, errors, publisher } = setUp();
    backplane.events.down(new Error("WRONGPASS"), { permanent: true });
    publisher.publish("news", "last words");
    await publisher.close();
    expect(errors.map(({ message }) => message)).toEqual([
      "manual cannot be used: WRONGPASS",
      "manual did not take all messages before it was closed: WRONGPASS",
    ]);
  });

  it("counts what fails afterwards as dropped, and keeps none of it", async () => {
    const backplane = new ManualBackplane();
    const spry = createSpryWs({ backplane, onError() {} });
    backplane.events.up();
    spry.publish("news", "unanswered");
    const call = await backplane.next("publish");
    await spry.close({ deadlineMs: 1 });
    call.reject(lost);
    await sleep(1);
    expect(spry.metrics()).toMatchObject({ backplaneBufferedBytes: 0, backplaneDropped: 1 });
  });

  it.each([Number.POSITIVE_INFINITY, 2 ** 40])("waits without end for a deadline of %d ms", async (ms) => {
    const { backplane, errors, publisher } = setUp();
    const ready = publisher.ready({ timeoutMs: ms });
    publisher.publish("news", "late");
    const closed = publisher.close({ deadlineMs: ms });
    await sleep(20);
    backplane.events.up();
    (await backplane.next("publish")).resolve();
    await Promise.all([ready, closed]);
    expect(errors).toEqual([]);
  });
});
