import { cp, rm } from "node:fs/promises";
import type { HistoryPosition } from "@spry-ws/core";
import { isNotAppended } from "@spry-ws/core/adapter";
import { jetStreamHistory } from "@spry-ws/nats";
import { describe, expect, it } from "vitest";
import { missingNats, startJetStream } from "../fixtures/brokers.ts";
import { administer, connected, opened } from "./jetstream-setup.ts";
import { WatchedHistory } from "./watched-history.ts";

const name = "spry-ws-history";

describe.skipIf(missingNats())("NATS JetStream", { timeout: 60_000 }, () => {
  it("goes on where it was when the server is killed and has its files", async () => {
    await using server = await startJetStream();
    const [one, two] = [await opened(server.url), await opened(server.url)];
    await two.link.subscribe(["topic"]);
    const before = await one.append("topic", "before");
    await two.untilAppended("before");
    await server.kill();
    await one.untilState("down");
    const refusal: unknown = await one.append("topic", "meanwhile").catch((error: unknown) => error);
    expect(isNotAppended(refusal)).toBe(true);
    await server.start();
    await Promise.all([one.untilState("up"), two.untilState("up")]);
    expect((await two.read("topic", before)).isContinuous).toBe(true);
    const after = await one.append("topic", "after");
    await two.untilAppended("after");
    expect(two.appended.at(-1)).toEqual({ text: "after", position: after, previousSeq: before.seq });
    expect(after.epoch).toBe(before.epoch);
    expect(two.states).toEqual(["up", "down", "up"]);
  });

  it("has another epoch when the server comes back without its files", async () => {
    await using server = await startJetStream();
    const link = await opened(server.url);
    const empty = (await link.head("unused")) as HistoryPosition;
    const before = await link.append("topic", "before");
    await server.kill();
    await rm(`${server.directory}/store`, { recursive: true });
    await server.start();
    await link.untilState("down");
    await link.untilState("up");
    const after = await link.append("topic", "after");
    expect(after.seq).toBe(before.seq);
    expect(after.epoch).not.toBe(before.epoch);
    expect(await link.read("topic", before)).toMatchObject({ isContinuous: false, texts: ["after"] });
    expect((await link.read("unused", empty)).isContinuous).toBe(false);
  });

  it("tells messages apart that got the same numbers when an old copy of the files was restored", async () => {
    await using server = await startJetStream();
    const link = await opened(server.url);
    const [, second] = [await link.append("topic", "1"), await link.append("topic", "2")];
    const [store, copy] = [`${server.directory}/store`, `${server.directory}/copy`];
    await server.kill();
    await cp(store, copy, { recursive: true });
    await server.start();
    await link.untilState("down");
    await link.untilState("up");
    const lost = [await link.append("topic", "3"), await link.append("topic", "4")];
    await server.kill();
    await rm(store, { recursive: true });
    await cp(copy, store, { recursive: true });
    await server.start();
    await link.untilState("up");
    await link.until(() => link.states.length === 5, "two outages");
    expect((await link.read("topic", second)).isContinuous).toBe(true);
    for (const position of lost)
      expect(await link.read("topic", position)).toMatchObject({ isContinuous: false, texts: ["1", "2"] });
    const [other] = [
      await link.append("topic", "5"),
      await link.append("topic", "6"),
      await link.append("topic", "7"),
    ];
    expect([other?.epoch, other?.seq]).toEqual([lost[0]?.epoch, lost[0]?.seq]);
    for (const position of lost)
      expect(await link.read("topic", position)).toMatchObject({
        isContinuous: false,
        texts: ["1", "2", "5", "6", "7"],
      });
    expect(await link.read("topic", second)).toMatchObject({ isContinuous: true, texts: ["5", "6", "7"] });
  });

  it("stores a message once that is appended again after its acknowledgement was lost", async () => {
    await using server = await startJetStream();
    const connection = await connected(server.url, { pingInterval: 100, maxPingOut: 1, timeout: 500 });
    await using link = new WatchedHistory(jetStreamHistory({ connection }));
    await link.untilState("up");
    const first = await link.append("topic", "first");
    // What is sent waits in the buffers of the server, which reads it when it goes on.
    await server.pause();
    const appended = link.append("topic", "second", { id: "once" });
    const refusal: unknown = await appended.catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: "SPRY_WS_HISTORY" });
    expect(isNotAppended(refusal)).toBe(false);
    server.resume();
    await link.untilState("up");
    await expect.poll(async () => (await link.read("topic", first)).texts).toEqual(["second"]);
    const again = await link.append("topic", "second", { id: "once" });
    expect(await link.read("topic", first)).toMatchObject({ texts: ["second"], positions: [again] });
  });

  it("rejects an append that is not answered within 10 seconds", async () => {
    await using server = await startJetStream();
    await using link = await opened(server.url);
    await server.pause();
    const startedAt = performance.now();
    const refusal: unknown = await link.append("topic", "x").catch((error: unknown) => error);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(isNotAppended(refusal)).toBe(false);
    expect(String(refusal)).toMatch(/did not answer to spry-ws-history\.log\.topic within 8000 ms/);
    server.resume();
  });

  it("makes a stream that was deleted anew, with another epoch", async () => {
    await using server = await startJetStream();
    const [one, two] = [await opened(server.url), await opened(server.url)];
    const before = await one.append("topic", "before");
    await administer(server.url, `STREAM.DELETE.${name}`);
    const refusal: unknown = await one.append("topic", "lost").catch((error: unknown) => error);
    expect(isNotAppended(refusal)).toBe(true);
    await one.untilState("down");
    await one.untilState("up");
    const after = await one.append("topic", "after");
    expect(after.epoch).not.toBe(before.epoch);
    expect(await one.read("topic", before)).toMatchObject({ isContinuous: false, texts: ["after"] });
    // The other link, which has no subscriptions, has not noticed that yet.
    await expect(two.read("topic", before)).rejects.toThrow(/was deleted and made anew/);
    await two.untilState("down");
    await two.untilState("up");
    expect(await two.read("topic", before)).toMatchObject({ isContinuous: false, texts: ["after"] });
    expect(two.states).toEqual(["up", "down", "up"]);
  });

  it("notices by the numbers of the messages that the stream is another one", async () => {
    await using server = await startJetStream();
    const [one, two] = [await opened(server.url), await opened(server.url)];
    await two.link.subscribe(["topic"]);
    const before = [await one.append("topic", "1"), await one.append("topic", "2")];
    await two.untilAppended("2");
    const { config } = await administer<{ config: object }>(server.url, `STREAM.INFO.${name}`);
    await administer(server.url, `STREAM.DELETE.${name}`);
    await administer(server.url, `STREAM.CREATE.${name}`, config);
    const after = await one.append("topic", "3");
    expect(after.epoch).not.toBe(before[0]?.epoch);
    for (const link of [one, two]) {
      await link.until(() => link.states.length === 3, "down and up");
      expect(await link.head("topic")).toEqual(after);
    }
    expect(two.appended.map(({ text }) => text)).toEqual(["1", "2"]);
  });

  it("is down for good when the connection is closed", async () => {
    await using server = await startJetStream();
    const connection = await connected(server.url);
    await using link = new WatchedHistory(jetStreamHistory({ connection }));
    await link.untilState("up");
    await connection.close();
    await link.untilState("down for good");
    await expect(link.append("topic", "x")).rejects.toMatchObject({ code: "SPRY_WS_NOT_PUBLISHED" });
    await expect(link.read("topic", "start")).rejects.toMatchObject({ code: "SPRY_WS_HISTORY" });
    await using late = new WatchedHistory(jetStreamHistory({ connection }));
    await late.untilState("down for good");
  });
});
