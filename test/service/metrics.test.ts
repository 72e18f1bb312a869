import { createServer } from "node:http";
import { defineContract } from "@spry-ws/contract";
import { type Backplane, createSpryWs, memoryBackplane, type SpryWs } from "@spry-ws/core";
import { notAppended } from "@spry-ws/core/adapter";
import { createService, presence } from "@spry-ws/service";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { FaultyHistory } from "../fixtures/faulty-history.ts";
import { listen } from "../fixtures/listen.ts";
import { clientId, WireClient } from "../fixtures/wire-client.ts";
import { serveLive } from "./durable.ts";

const room = { room: "1" };
const serviceMetrics = ({ spry }: { spry: Pick<SpryWs, "metrics"> }) => spry.metrics().service;

describe("the metrics of durable topics", () => {
  it("tell what is open, and count what is published and read", async () => {
    await using live = await serveLive();
    await expect.poll(() => serviceMetrics(live)).toMatchObject({ durableStoresDown: 0, durableTopics: 0 });
    await live.service.publish("rooms/:room", room, "one");
    await using first = await live.connect([["rooms/1"], ["docs/1"]]);
    await first.next("s");
    await first.next("s");
    await using second = await live.connect([["rooms/1", "start"]]);
    await second.next("s");
    await second.next("m");
    await expect
      .poll(() => serviceMetrics(live))
      .toMatchObject({
        durableTopics: 2,
        durableSubscriptions: 3,
        durableSubscriptionsBehind: 0,
        durablePublished: 1,
        durableNotPublished: 0,
        durableMaybePublished: 0,
        durableGaps: 0,
        durableSlow: 0,
      });
    expect(serviceMetrics(live).durableReads).toBeGreaterThan(0);
    first.socket.terminate();
    await expect.poll(() => serviceMetrics(live).durableSubscriptions).toBe(1);
  });

  it("count what is not published, and what may be, each publish once", async () => {
    const history = new FaultyHistory();
    await using live = await serveLive({ history });
    history.onAppend = () => {
      throw notAppended("it is full");
    };
    const failed = live.service.publish("rooms/:room", room, "no");
    await expect(failed).rejects.toMatchObject({ code: "SPRY_WS_NOT_PUBLISHED" });
    history.onAppend = () => {
      throw new Error("no answer");
    };
    const unclear = live.service.publish("rooms/:room", room, "perhaps", { timeoutMs: 200 });
    await expect(unclear).rejects.toMatchObject({ code: "SPRY_WS_MAYBE_PUBLISHED" });
    history.onAppend = undefined;
    await live.service.publish("rooms/:room", room, "yes");
    expect(serviceMetrics(live)).toMatchObject({
      durablePublished: 1,
      durableNotPublished: 1,
      durableMaybePublished: 1,
    });
  });

  it("tell an outage of the store, and its failed calls", async () => {
    const history = new FaultyHistory();
    await using live = await serveLive({ history });
    await expect.poll(() => serviceMetrics(live).durableStoresDown).toBe(0);
    history.goDown();
    expect(serviceMetrics(live).durableStoresDown).toBe(1);
    await using client = await live.connect([["rooms/1"]]);
    await expect.poll(() => serviceMetrics(live).durableRetries, { timeout: 10_000 }).toBeGreaterThan(0);
    history.comeUp();
    await client.next("s");
    expect(serviceMetrics(live).durableStoresDown).toBe(0);
  }, 20_000);

  it("count the gaps that subscribers are told of", async () => {
    await using live = await serveLive();
    await live.service.publish("rooms/:room", room, "one");
    await using client = await live.connect([["rooms/1", "a position of another store"]]);
    expect((await client.next("s"))[2]).toBe("gap");
    expect(serviceMetrics(live).durableGaps).toBe(1);
  });

  it("tell who is behind, and how often somebody did not read", async () => {
    await using live = await serveLive();
    await using client = await live.connect([["rooms/1"]]);
    await client.next("s");
    client.socket.pause();
    const text = "x".repeat(500_000);
    for (let i = 0; i < 40; i++) {
      await live.service.publish("rooms/:room", room, text);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(serviceMetrics(live)).toMatchObject({ durableSubscriptionsBehind: 1 });
    expect(serviceMetrics(live).durableSlow).toBeGreaterThan(0);
    client.socket.resume();
    for (let i = 0; i < 40; i++) await client.next("m");
    await expect.poll(() => serviceMetrics(live).durableSubscriptionsBehind).toBe(0);
  }, 20_000);
});

const lobby = defineContract({ topics: { "rooms/:room": { message: z.string(), presence: z.string() } } });

async function serveLobby(backplane: Backplane) {
  const spry = createSpryWs({ backplane });
  const service = createService(spry, lobby, {
    topics: {
      "rooms/:room": { subscribe: true, presence: (peer) => ({ key: peer.id, data: "" }), graceMs: 0 },
    },
  });
  const server = createServer(spry.handler(service));
  spry.attach(server);
  const { url } = await listen(server);
  return {
    spry,
    service,
    async join() {
      const client = await WireClient.connect(url("/"));
      client.say(["h", clientId(), [["rooms/1"]]]);
      await client.next("s");
      return client;
    },
    async [Symbol.asyncDispose]() {
      await spry.close({ deadlineMs: 1_000 });
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe("the metrics of presence", () => {
  it("tell the members of all processes, and how many of these are known", async () => {
    const backplane = memoryBackplane();
    await using here = await serveLobby(backplane);
    await using there = await serveLobby(backplane);
    expect(serviceMetrics(here)).toMatchObject({
      presenceTopics: 0,
      presenceMembers: 0,
      presenceProcesses: 0,
    });
    await using _one = await here.join();
    await using _two = await there.join();
    await using three = await there.join();
    await expect
      .poll(() => serviceMetrics(here))
      .toEqual({ presenceTopics: 1, presenceMembers: 3, presenceOwnMembers: 1, presenceProcesses: 1 });
    three.socket.close(1000);
    await expect
      .poll(() => serviceMetrics(there))
      .toEqual({ presenceTopics: 1, presenceMembers: 2, presenceOwnMembers: 1, presenceProcesses: 1 });
  });

  it("are those of all that is on the instance together", async () => {
    const backplane = memoryBackplane();
    await using here = await serveLobby(backplane);
    await using there = await serveLobby(backplane);
    await using _one = await here.join();
    await using _two = await there.join();
    const lobbies = [here, there].map(({ spry }) => presence({ spry, topic: "lobby" }));
    const listeners = lobbies.map((one) => one.listen(() => {}));
    await expect
      .poll(() => serviceMetrics(here))
      .toMatchObject({ presenceTopics: 2, presenceMembers: 2, presenceProcesses: 1 });
    for (const stop of listeners) stop();
  });
});

describe("the text for Prometheus", () => {
  it("has the metrics of services, each family once, with its type", async () => {
    await using live = await serveLive();
    createService(live.spry, lobby, {
      topics: { "rooms/:room": { subscribe: true, presence: () => undefined } },
    });
    presence({ spry: live.spry, topic: "lobby" });
    await live.service.publish("rooms/:room", room, "one");
    const lines = live.spry.metricsText().split("\n");
    expect(lines.filter((line) => line.startsWith("# TYPE spry_ws_service_durable_published "))).toEqual([
      "# TYPE spry_ws_service_durable_published counter",
    ]);
    expect(lines).toContain("spry_ws_service_durable_published_total 1");
    expect(lines).toContain("# TYPE spry_ws_service_presence_own_members gauge");
    expect(lines).toContain("spry_ws_service_presence_own_members 0");
    const types = lines.filter((line) => line.startsWith("# TYPE "));
    expect(new Set(types).size).toBe(types.length);
    expect(lines.slice(-2)).toEqual(["# EOF", ""]);
  });
});
