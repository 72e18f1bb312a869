import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import type { Peer } from "@spry-ws/core";
import { refusalOf } from "@spry-ws/core/adapter";
import { describe, expect, it, vi } from "vitest";
import { http } from "../adapters/http.ts";
import { Client } from "../fixtures/client.ts";
import { Deferred } from "../fixtures/deferred.ts";
import { ManualBackplane } from "../fixtures/manual-backplane.ts";
import { memoryInUse } from "../fixtures/memory.ts";
import { serve } from "../fixtures/serve.ts";

/** An app with one peer. */
async function setUp() {
  const backplane = new ManualBackplane();
  const errors: unknown[] = [];
  const opened = new Deferred<Peer>();
  const app = await serve(http, {
    routes: { "/": { hooks: { open: (peer) => opened.resolve(peer) } } },
    options: { backplane, onError: (error) => errors.push(error) },
  });
  const client = await Client.open(app.url("/"));
  return {
    backplane,
    errors,
    peer: await opened.promise,
    spry: app.spry,
    async [Symbol.asyncDispose]() {
      client.socket.terminate();
      await app[Symbol.asyncDispose]();
    },
  };
}

describe("a refused subscription", () => {
  it("is tried again after a second, not at once, and does not hold up others", async () => {
    await using setup = await setUp();
    setup.backplane.events.up();
    setup.peer.subscribe("refused");
    const refusedAt = performance.now();
    (await setup.backplane.next("subscribe")).reject(new Error("not permitted"));
    await sleep(100);
    setup.peer.subscribe("other");
    const other = await setup.backplane.next("subscribe");
    other.resolve();
    expect(other.topics).toEqual(["other"]);
    await expect(setup.spry.ready({ timeoutMs: 1 })).rejects.toThrow("has not confirmed all subscriptions");
    const again = await setup.backplane.next("subscribe");
    expect(performance.now() - refusedAt).toBeGreaterThan(900);
    again.resolve();
    expect(again.topics).toEqual(["refused"]);
    await setup.spry.ready();
    expect(setup.errors).toHaveLength(1);
  });

  it("is tried again at once when the link is back", async () => {
    await using setup = await setUp();
    const { events } = setup.backplane;
    events.up();
    setup.peer.subscribe("news");
    const call = await setup.backplane.next("subscribe");
    events.down(new Error("connection lost"));
    call.reject(new Error("connection lost"));
    await sleep(1);
    const backAt = performance.now();
    events.up();
    (await setup.backplane.next("subscribe")).resolve();
    expect(performance.now() - backAt).toBeLessThan(500);
    await setup.spry.ready();
  });

  it("keeps no other topic from being heard, and is reported once, by its name", async () => {
    await using setup = await setUp();
    setup.backplane.events.up();
    for (const topic of ["one", "two", "three"]) setup.peer.subscribe(topic);
    const noperm = new Error("NOPERM");
    (await setup.backplane.next("subscribe")).reject(refusalOf(new Map([["two", noperm]])));
    await expect(setup.spry.ready({ timeoutMs: 50 })).rejects.toThrow(
      "manual has not confirmed all subscriptions: NOPERM",
    );
    for (let i = 0; i < 2; i++) {
      const again = await setup.backplane.next("subscribe");
      expect(again.topics).toEqual(["two"]);
      again.reject(i === 0 ? noperm : refusalOf(new Map([["two", noperm]])));
    }
    setup.peer.unsubscribe("two");
    await setup.spry.ready();
    expect(setup.errors.map(String)).toEqual([
      'Error: manual refuses the subscription to "two", which is tried again now and then: NOPERM',
    ]);
  });

  it("may be one that was in force: it is told again, and reported anew each time it was taken meanwhile", async () => {
    await using setup = await setUp();
    const { events } = setup.backplane;
    events.up();
    setup.peer.subscribe("news");
    (await setup.backplane.next("subscribe")).resolve();
    await setup.spry.ready();
    for (let i = 0; i < 2; i++) {
      events.refused(new Map([["news", new Error("revoked")]]));
      await expect(setup.spry.ready({ timeoutMs: 50 })).rejects.toThrow("subscriptions: revoked");
      const again = await setup.backplane.next("subscribe");
      again.resolve();
      expect(again.topics).toEqual(["news"]);
      await setup.spry.ready();
    }
    expect(setup.errors).toHaveLength(2);
    events.refused(new Map([["somebody else's", new Error("revoked")]]));
    await setup.spry.ready();
  });

  it("is none where the connection was lost", async () => {
    await using setup = await setUp();
    const { events } = setup.backplane;
    events.up();
    setup.peer.subscribe("news");
    const call = await setup.backplane.next("subscribe");
    events.down(new Error("connection lost"));
    events.up();
    call.reject(new Error("connection lost"));
    (await setup.backplane.next("subscribe")).resolve();
    await setup.spry.ready();
    expect(setup.errors.map((error) => (error as { code?: string }).code)).toEqual([
      "SPRY_WS_BACKPLANE",
      "SPRY_WS_BACKPLANE_GAP",
    ]);
  });

  it("to end a subscription is reported once", async () => {
    await using setup = await setUp();
    setup.backplane.events.up();
    for (const topic of ["one", "two"]) {
      setup.peer.subscribe(topic);
      (await setup.backplane.next("subscribe")).resolve();
      setup.peer.unsubscribe(topic);
      (await setup.backplane.next("unsubscribe")).reject(new Error("NOPERM"));
    }
    await sleep(1);
    expect(setup.errors.map(String)).toEqual(["Error: manual refuses to end subscriptions: NOPERM"]);
  });

  it("is not tried again for a topic that nobody wants any more", async () => {
    await using setup = await setUp();
    setup.backplane.events.up();
    setup.peer.subscribe("news");
    const call = await setup.backplane.next("subscribe");
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      call.reject(new Error("not permitted"));
      await turn();
      setup.peer.unsubscribe("news");
      vi.advanceTimersByTime(60_000);
      await turn();
      setup.peer.subscribe("other");
      expect((await setup.backplane.next("subscribe")).topics).toEqual(["other"]);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("ready()", () => {
  it("waits for what was wanted when it was called, though topics come all the time", async () => {
    await using setup = await setUp();
    setup.backplane.events.up();
    setup.peer.subscribe("room 0");
    let last = await setup.backplane.next("subscribe");
    const ready = setup.spry.ready();
    for (let i = 1; i <= 3; i++) {
      setup.peer.subscribe(`room ${i}`);
      const next = await setup.backplane.next("subscribe");
      last.resolve();
      last = next;
    }
    await ready;
    await expect(setup.spry.ready({ timeoutMs: 50 })).rejects.toThrow("has not confirmed all subscriptions");
    last.resolve();
    await setup.spry.ready();
  });

  it("does not wait for a topic that has left, nor for its return", async () => {
    await using setup = await setUp();
    setup.backplane.events.up();
    setup.peer.subscribe("room");
    const first = await setup.backplane.next("subscribe");
    const ready = setup.spry.ready();
    setup.peer.unsubscribe("room");
    const left = await setup.backplane.next("unsubscribe");
    setup.peer.subscribe("room");
    const again = await setup.backplane.next("subscribe");
    first.resolve();
    left.resolve();
    await ready;
    again.resolve();
    await setup.spry.ready();
  });

  it("waits for a subscription that was told again while the first call was under way", async () => {
    await using setup = await setUp();
    setup.backplane.events.up();
    setup.peer.subscribe("room");
    const first = await setup.backplane.next("subscribe");
    setup.peer.unsubscribe("room");
    const left = await setup.backplane.next("unsubscribe");
    setup.peer.subscribe("room");
    const again = await setup.backplane.next("subscribe");
    left.resolve();
    first.reject(new Error("too late"));
    await expect(setup.spry.ready({ timeoutMs: 50 })).rejects.toThrow("has not confirmed all subscriptions");
    again.resolve();
    await setup.spry.ready();
  });
});

describe("topics that come and go", () => {
  it("leave nothing behind while the link is down", async () => {
    await using setup = await setUp();
    const before = memoryInUse().heapUsed;
    for (let i = 0; i < 100; i++) {
      const topic = Buffer.alloc(500_000, `${i} `).toString("latin1");
      setup.peer.subscribe(topic);
      setup.peer.unsubscribe(topic);
    }
    await sleep(1);
    expect(memoryInUse().heapUsed - before).toBeLessThan(5_000_000);
  });
});

describe("count(topic)", () => {
  it("costs the same, however many topics the process has", async () => {
    await using setup = await setUp();
    setup.backplane.events.up();
    for (let i = 0; i < 50_000; i++) setup.peer.subscribe(`topic ${i}`);
    (await setup.backplane.next("subscribe")).resolve();
    const begun = performance.now();
    const counts = Array.from({ length: 500 }, (_, i) => setup.spry.count(`topic ${i}`, { waitMs: 1 }));
    // To look at all topics for each of them takes seconds; this takes a few milliseconds.
    expect(performance.now() - begun).toBeLessThan(300);
    await Promise.all(counts);
  });
});
