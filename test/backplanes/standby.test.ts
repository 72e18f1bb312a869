import { createServer } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Backplane, createSpryWs } from "@spry-ws/core";
import { describe, expect, it } from "vitest";
import { Client } from "../fixtures/client.ts";
import { listen } from "../fixtures/listen.ts";
import { ManualBackplane } from "../fixtures/manual-backplane.ts";
import { Queue } from "../fixtures/queue.ts";

/** Notes which of its links are opened. */
function setUp() {
  const opened = new Queue<ManualBackplane>();
  const backplane: Backplane = {
    name: "manual",
    open(events) {
      const link = new ManualBackplane();
      opened.push(link);
      return link.open(events);
    },
  };
  const errors: unknown[] = [];
  const spry = createSpryWs({ backplane, onError: (error) => errors.push(error) });
  const handler = spry.handler({
    open(peer) {
      peer.subscribe("room");
      peer.send("subscribed");
    },
    close: (peer) => peer.publish("room", "left"),
  });
  const serve = async () => {
    const server = createServer(handler);
    spry.attach(server);
    return listen(server);
  };
  return { spry, opened, errors, serve };
}

describe("the link of an instance whose servers close", () => {
  it("ends with the last of them, when it has what the close hooks published", async () => {
    const { spry, opened, serve } = setUp();
    const link = await opened.next();
    link.events.up();
    await using first = await serve();
    await using last = await serve();
    await using client = await Client.open(first.url("/"));
    (await link.next("subscribe")).resolve();
    await new Promise((resolve) => {
      first.server.close(resolve);
      void link.next("unsubscribe").then((call) => call.resolve());
      void link.next("publish").then((call) => call.resolve());
    });
    expect((await client.closed).code).toBe(1001);
    expect(spry.metrics().backplaneConnected).toBe(true);

    await using other = await Client.open(last.url("/"));
    (await link.next("subscribe")).resolve();
    last.server.close();
    (await link.next("unsubscribe")).resolve();
    const goodbye = await link.next("publish");
    expect(spry.metrics().backplaneConnected).toBe(true);
    goodbye.resolve();
    await link.next("close");
    expect((await other.closed).code).toBe(1001);
    expect(spry.metrics()).toMatchObject({ backplaneConnected: false, backplaneDropped: 0 });
  });

  it.each(["a subscriber", "publish", "ready()"])(
    "is made anew when it is needed again: by %s",
    async (how) => {
      const { spry, opened, errors, serve } = setUp();
      const first = await opened.next();
      first.events.up();
      await using server = await serve();
      await new Promise((resolve) => server.server.close(resolve));
      await first.next("close");
      if (how === "a subscriber") {
        await using again = await listen(server.server);
        await using client = await Client.open(again.url("/"));
        expect(await client.next()).toBe("subscribed");
        const second = await opened.next();
        second.events.up();
        const call = await second.next("subscribe");
        expect(call.topics).toEqual(["room"]);
        call.resolve();
      } else if (how === "publish") {
        spry.publish("room", "hello");
        const second = await opened.next();
        second.events.up();
        const call = await second.next("publish");
        expect(call.topics).toEqual(["room"]);
        call.resolve();
      } else {
        const ready = spry.ready();
        (await opened.next()).events.up();
        await ready;
      }
      expect(spry.metrics()).toMatchObject({ backplaneConnected: true, backplaneDropped: 0 });
      expect(errors).toEqual([]);
      await spry.close({ deadlineMs: 0 });
    },
  );

  it("does not stay for listeners, who hear others again when a server listens", async () => {
    const { spry, opened, errors, serve } = setUp();
    const first = await opened.next();
    first.events.up();
    spry.subscribe("jobs", () => {});
    expect((await first.next("subscribe")).topics).toEqual(["jobs"]);
    await using server = await serve();
    await new Promise((resolve) => server.server.close(resolve));
    await first.next("close");
    await using _again = await listen(server.server);
    const second = await opened.next();
    second.events.up();
    const call = await second.next("subscribe");
    expect(call.topics).toEqual(["jobs"]);
    call.resolve();
    expect(errors).toEqual([]);
    await spry.close({ deadlineMs: 0 });
  });

  it("is not made anew after spry.close(): what is published then is counted and reported", async () => {
    const { spry, opened, errors, serve } = setUp();
    const link = await opened.next();
    link.events.up();
    await using server = await serve();
    await new Promise((resolve) => server.server.close(resolve));
    await link.next("close");
    await spry.close();
    spry.publish("room", "too late");
    expect(spry.metrics()).toMatchObject({ backplaneConnected: false, backplaneDropped: 1 });
    expect(errors).toMatchObject([{ message: expect.stringContaining("was published after close()") }]);
    const another = opened.next().then(() => "another");
    expect(await Promise.race([another, nextTurn("none")])).toBe("none");
  });
});
