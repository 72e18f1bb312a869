import { defineContract } from "@spry-ws/contract";
import { createTopicPublisher, memoryHistory } from "@spry-ws/service";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { FaultyHistory } from "../fixtures/faulty-history.ts";
import { contract, serveLive } from "./durable.ts";

const room = { room: "1" };

describe("a process that publishes to durable topics alone", () => {
  it("needs their history, and nothing else", async () => {
    const history = memoryHistory();
    await using live = await serveLive({ history });
    await using client = await live.connect([["rooms/1"]]);
    await client.next("s");
    const topics = createTopicPublisher(contract, {
      history,
      topics: { "rooms/:room": { history: { maxMessages: 2 } } },
    });
    await topics.ready();
    const published = [1, 2].map(() => topics.publish("rooms/:room", room, "a", { id: "1" }));
    await topics.close();
    const [one, other] = await Promise.all(published);
    expect(other).toEqual(one);
    expect(await client.next("m")).toEqual(["m", "rooms/1", one?.position, "a"]);
    await expect(topics.publish("rooms/:room", room, "b")).rejects.toMatchObject({
      code: "SPRY_WS_NOT_PUBLISHED",
    });
  });

  it("is closed where it goes out of scope", async () => {
    const history = new FaultyHistory();
    {
      await using topics = createTopicPublisher(contract, { history });
      await topics.publish("rooms/:room", room, "a");
    }
    expect(history.closed).toBe(1);
  });

  it("hears of an outage, whatever the function does that takes errors", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const onError = vi.fn(async () => {
      throw new Error("no pager");
    });
    const history = new FaultyHistory();
    await using topics = createTopicPublisher(contract, { history, onError });
    await topics.ready();
    history.goDown();
    expect(onError).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: "SPRY_WS_HISTORY" }));
    await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    expect(log).toHaveBeenCalledOnce();
    await expect(topics.ready({ timeoutMs: 10 })).rejects.toMatchObject({ code: "SPRY_WS_HISTORY" });
    log.mockRestore();
  });

  it("refuses what it cannot do, and says what to write", async () => {
    const history = memoryHistory();
    await using topics = createTopicPublisher(contract, { history });
    const publish = topics.publish as (...args: unknown[]) => unknown;
    expect(() => publish("plain", {}, "a")).toThrow(
      /"plain" is not durable.*createTopicPublisher\(publisher, /,
    );
    await expect(topics.close({ deadline: 1 } as object)).rejects.toThrow(
      /no option "deadline"; there is deadlineMs/,
    );
    await expect(topics.ready({ timeoutMs: -1 })).rejects.toThrow(/"timeoutMs" must be/);
    const without = defineContract({ topics: { plain: { message: z.string() } } });
    expect(() => createTopicPublisher(without, { history })).toThrow(
      /no durable topic; write "history: true"/,
    );
    expect(() => createTopicPublisher(contract, { history: {} as never })).toThrow(
      /"history" must be a history/,
    );
    expect(() => createTopicPublisher(contract, { history, onError: "log" as never })).toThrow(
      /"onError" must be/,
    );
  });
});
