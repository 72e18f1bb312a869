import { createPublisher, type Hooks } from "@spry-ws/core";
import { expect, it } from "vitest";
import { http } from "../adapters/http.ts";
import { Client } from "../fixtures/client.ts";
import type { RunningApp } from "../fixtures/serve.ts";
import { type BackplaneSetup, connect, hooks, start } from "./apps.ts";

/** What is done with the subscribers of a topic in all processes, whichever the backplane is. */
export function operationsSuite(setUp: () => Promise<BackplaneSetup>): void {
  it("close the subscribers of a topic everywhere, behind what was published before, and nobody else", async () => {
    await using setup = await setUp();
    const moving: Hooks = {
      open: (peer) => peer.subscribe("room"),
      message(peer, message) {
        peer.subscribe(message.text());
        peer.unsubscribe("room");
        peer.send("moved");
      },
    };
    await using apps = await start(setup, [http, http, http], moving);
    await using clients = await connect(apps.list);
    await using others = await connect(apps.list);
    for (const other of others.list) {
      other.send("another room");
      expect(await other.next()).toBe("moved");
    }
    await apps.ready();
    const [{ spry }] = apps.list as [RunningApp];
    for (let i = 0; i < 50; i++) spry.publish("room", `${i}`);
    spry.disconnect("room", 4401, "logged out");
    for (let i = 50; i < 100; i++) spry.publish("room", `${i}`);
    for (const client of clients.list) {
      expect(await client.closed).toEqual({ code: 4401, reason: "logged out" });
      expect(client.messages.waiting).toEqual(Array.from({ length: 50 }, (_, i) => `${i}`));
    }
    spry.publish("another room", "still here");
    for (const other of others.list) expect(await other.next()).toBe("still here");
  });

  it("let in again who comes after a disconnect, and tell that one nothing of it", async () => {
    await using setup = await setUp();
    await using apps = await start(setup, [http, http]);
    await using gone = await connect(apps.list);
    await apps.ready();
    const [here, there] = apps.list as [RunningApp, RunningApp];
    here.spry.disconnect("room");
    for (const client of gone.list) expect(await client.closed).toEqual({ code: 1000, reason: "" });
    await using client = await Client.open(there.url("/"));
    await apps.ready();
    here.spry.publish("room", "welcome back");
    expect(await client.next()).toBe("welcome back");
  });

  it("close subscribers for a publisher that has no server", async () => {
    await using setup = await setUp();
    await using apps = await start(setup, [http, http]);
    await using clients = await connect(apps.list);
    await apps.ready();
    {
      await using publisher = createPublisher({ backplane: setup.create() });
      publisher.publish("room", "goodbye");
      publisher.disconnect("room", 4401, "logged out");
      expect(() => publisher.disconnect("room", 1005)).toThrow(RangeError);
    }
    for (const client of clients.list) {
      expect(await client.closed).toEqual({ code: 4401, reason: "logged out" });
      expect(client.messages.waiting).toEqual(["goodbye"]);
    }
  });

  it("count the subscribers of a topic in all processes, whoever asks", async () => {
    await using setup = await setUp();
    await using apps = await start(setup, [http, http, http]);
    const [one, other, none] = apps.list as [RunningApp, RunningApp, RunningApp];
    await using _clients = await connect([one, one, one, other]);
    // Listens, but is no subscriber.
    none.spry.subscribe("room", () => {});
    await apps.ready();
    const counts = apps.list.map(({ spry }) => spry.count("room", { waitMs: 1_000 }));
    expect(await Promise.all(counts)).toEqual([4, 4, 4]);
    expect(await one.spry.count("another room", { waitMs: 100 })).toBe(0);
    expect(apps.list.map(({ spry }) => spry.metrics().listeners)).toEqual([0, 0, 1]);
  });

  it("ask once for all who count a topic at the same time, and again afterwards", async () => {
    await using setup = await setUp();
    await using apps = await start(setup, [http, http]);
    const [here, there] = apps.list as [RunningApp, RunningApp];
    await using clients = await connect([there, there]);
    await apps.ready();
    const count = () => here.spry.count("room", { waitMs: 500 });
    expect(await Promise.all(Array.from({ length: 100 }, count))).toEqual(Array(100).fill(2));
    expect(here.spry.metrics()).toMatchObject({ backplanePublished: 1, backplaneReceived: 1 });
    clients.list[0]?.socket.close();
    await clients.list[0]?.closed;
    await expect.poll(() => there.spry.metrics().peers).toBe(1);
    expect(await count()).toBe(1);
    expect(here.spry.metrics()).toMatchObject({ backplanePublished: 2, backplaneReceived: 2 });
  });

  it("do not count who has been told to leave", async () => {
    await using setup = await setUp();
    await using apps = await start(setup, [http, http], hooks);
    const [here, there] = apps.list as [RunningApp, RunningApp];
    await using clients = await connect([there, there]);
    await apps.ready();
    // Neither answers the close frame.
    for (const { socket } of clients.list) socket.pause();
    here.spry.disconnect("room");
    expect(await here.spry.count("room", { waitMs: 500 })).toBe(0);
    for (const { socket } of clients.list) socket.resume();
  });
}
