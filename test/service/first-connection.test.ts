import { createPublisher, memoryBackplane } from "@spry-ws/core";
import { redisHistory } from "@spry-ws/redis";
import { createTopicPublisher } from "@spry-ws/service";
import { Redis } from "ioredis";
import { describe, expect, it, onTestFinished } from "vitest";
import { missingRedis, startRedis } from "../fixtures/brokers.ts";
import { FaultyHistory } from "../fixtures/faulty-history.ts";
import { contract, type Live, serveLive } from "./durable.ts";

const topic = "rooms/1";
const room = { room: "1" };

function say(live: Live, text: string, timeoutMs = 5_000) {
  return live.service.publish("rooms/:room", room, text, { timeoutMs });
}

function textsOf(history: FaultyHistory): string[] {
  return history.kept(topic).map(({ data }) => JSON.parse(Buffer.from(data).subarray(1).toString()));
}

/** A service whose store has not been reached yet. */
async function serveUnreached() {
  const history = new FaultyHistory();
  history.goDown();
  return { history, live: await serveLive({ history }) };
}

describe("before the store of durable topics has been reached for the first time", () => {
  it("publish waits for it, and stores in the order of the calls", async () => {
    const { history, live } = await serveUnreached();
    await using _ = live;
    const early = ["a", "b", "c"].map((text) => say(live, text));
    // Whoever waits for the store longer than they do does not overtake them.
    const late = live.spry.ready().then(() => say(live, "d"));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(history.appends).toBe(0);
    history.comeUp();
    await Promise.all([...early, late]);
    expect(textsOf(history)).toEqual(["a", "b", "c", "d"]);
    expect(live.errors).toEqual([]);
  });

  it("publish rejects after its time with what is certain: it is not stored, also when the store comes", async () => {
    const { history, live } = await serveUnreached();
    await using _ = live;
    const startedAt = performance.now();
    await expect(say(live, "a", 100)).rejects.toMatchObject({
      code: "SPRY_WS_NOT_PUBLISHED",
      message: expect.stringMatching(/faulty could not be reached within 100 ms/),
      cause: { code: "SPRY_WS_HISTORY" },
    });
    expect(performance.now() - startedAt).toBeGreaterThan(90);
    history.comeUp();
    await say(live, "b");
    expect(textsOf(history)).toEqual(["b"]);
  });

  it("publish waits no more where the service is closed", async () => {
    const { history, live } = await serveUnreached();
    await using _ = live;
    const published = say(live, "a", 60_000);
    const rejected = expect(published).rejects.toMatchObject({ code: "SPRY_WS_NOT_PUBLISHED" });
    await live.spry.close({ deadlineMs: 100 });
    await rejected;
    await expect(say(live, "b")).rejects.toMatchObject({
      code: "SPRY_WS_NOT_PUBLISHED",
      message: expect.stringMatching(/the service is closed/),
    });
    expect(history.appends).toBe(0);
  });

  it("is waited for at the end, if the store comes in time", async () => {
    const { history, live } = await serveUnreached();
    await using _ = live;
    const published = say(live, "a");
    const closed = live.spry.close({ deadlineMs: 5_000 });
    history.comeUp();
    await Promise.all([published, closed]);
    expect(textsOf(history)).toEqual(["a"]);
  });

  it("publish rejects at once during a later outage", async () => {
    const { history, live } = await serveUnreached();
    await using _ = live;
    history.comeUp();
    await say(live, "a");
    history.goDown();
    await expect(say(live, "b", 60_000)).rejects.toMatchObject({ code: "SPRY_WS_NOT_PUBLISHED" });
  });

  it("ready() waits for it, and rejects after its time", async () => {
    const { history, live } = await serveUnreached();
    await using _ = live;
    await expect(live.spry.ready({ timeoutMs: 50 })).rejects.toMatchObject({
      code: "SPRY_WS_HISTORY",
      message: expect.stringMatching(/faulty could not be reached within 50 ms/),
    });
    const ready = live.spry.ready();
    history.comeUp();
    await ready;
    await live.spry.ready();
  });

  it("ready() of a publisher waits for the histories of its topics", async () => {
    const history = new FaultyHistory();
    history.goDown();
    await using publisher = createPublisher({ backplane: memoryBackplane() });
    createTopicPublisher(publisher, contract, { history });
    await expect(publisher.ready({ timeoutMs: 50 })).rejects.toMatchObject({ code: "SPRY_WS_HISTORY" });
    history.comeUp();
    await publisher.ready();
  });

  it.skipIf(missingRedis())("ready() and publish reject at once for a wrong password", async () => {
    await using server = await startRedis("--requirepass", "right");
    const client = new Redis(server.url, { password: "wrong", lazyConnect: true });
    client.on("error", () => {});
    onTestFinished(() => client.disconnect());
    await using live = await serveLive({ history: redisHistory({ client }) });
    const startedAt = performance.now();
    await expect(live.spry.ready({ timeoutMs: 60_000 })).rejects.toMatchObject({
      code: "SPRY_WS_HISTORY",
      message: expect.stringMatching(/redis cannot be used: .*password/),
    });
    await expect(say(live, "a", 60_000)).rejects.toMatchObject({ code: "SPRY_WS_NOT_PUBLISHED" });
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });
});
