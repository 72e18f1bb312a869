import { type Peer, ReadyState } from "@spry-ws/core";
import { describe, expect, it } from "vitest";
import type { Adapter } from "../fixtures/adapter.ts";
import { Client } from "../fixtures/client.ts";
import { Recorder } from "../fixtures/recorder.ts";
import { serve } from "../fixtures/serve.ts";

/** What the instance does with the subscribers of a topic: `disconnect(topic)` and `count(topic)`. */
export function operationsSuite(adapter: Adapter): void {
  describe("all subscribers of a topic", () => {
    it("are closed, behind what was published before, and others are not", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({ message: (peer, message) => peer.subscribe(message.text()) });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      await using one = await Client.open(app.url("/"));
      await using other = await Client.open(app.url("/"));
      await using neither = await Client.open(app.url("/"));
      for (const [client, topic] of [
        [one, "user:42"],
        [other, "user:42"],
        [neither, "user:4"],
      ] as const) {
        client.send(topic);
        await recorder.until(`message ${topic}`);
      }
      app.spry.publish("user:42", "first");
      app.spry.publish("user:42", "second");
      app.spry.disconnect("user:42", 4401, "logged out");
      app.spry.publish("user:42", "too late");
      for (const client of [one, other]) {
        expect(await client.closed).toEqual({ code: 4401, reason: "logged out" });
        expect(client.messages.waiting).toEqual(["first", "second"]);
        await recorder.until("close 4401 logged out");
      }
      app.spry.publish("user:4", "still here");
      expect(await neither.next()).toBe("still here");
    });

    it("are closed with 1000 if no code is given, and the reason is cut where it is too long", async () => {
      await using app = await serve(adapter, {
        routes: { "/": { hooks: { open: (peer) => peer.subscribe("room") } } },
      });
      await using one = await Client.open(app.url("/"));
      app.spry.disconnect("room");
      expect(await one.closed).toEqual({ code: 1000, reason: "" });
      await using other = await Client.open(app.url("/"));
      app.spry.disconnect("room", undefined, "é".repeat(100));
      expect(await other.closed).toEqual({ code: 1000, reason: "é".repeat(61) });
    });

    it("but one are closed where that one leaves the topic meanwhile", async () => {
      const hooks = {
        open: (peer: Peer) => peer.subscribe("user:42"),
        message(peer: Peer) {
          peer.unsubscribe("user:42");
          app.spry.disconnect("user:42", 4401);
          peer.subscribe("user:42");
          peer.send(String(peer.readyState));
        },
      };
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      await using kept = await Client.open(app.url("/"));
      await using other = await Client.open(app.url("/"));
      kept.send("log out all others");
      expect(await kept.next()).toBe(String(ReadyState.open));
      expect((await other.closed).code).toBe(4401);
      expect(await app.spry.count("user:42")).toBe(1);
    });

    it("stay where the code or the reason is wrong, which is said at once", async () => {
      await using app = await serve(adapter, {
        routes: { "/": { hooks: { open: (peer) => peer.subscribe("room") } } },
      });
      await using client = await Client.open(app.url("/"));
      const disconnect = app.spry.disconnect.bind(app.spry) as (...args: unknown[]) => void;
      for (const code of [1005, 1006, 999, 5000, 4000.5, "4000", null])
        expect(() => disconnect("room", code)).toThrow(RangeError);
      expect(() => disconnect("room", 1005)).toThrow(
        "disconnect(topic, code, reason) takes 1000 to 1003, 1007 to 1014 or, for codes of your own, 3000 to 4999, not 1005",
      );
      expect(() => disconnect("room", 1000, 42)).toThrow(
        "disconnect(topic, code, reason): the reason is a string, not a number",
      );
      expect(() => disconnect(42)).toThrow(
        "disconnect(topic, code, reason): a topic is a string, not a number",
      );
      app.spry.publish("room", "still here");
      expect(await client.next()).toBe("still here");
    });

    it("are counted, but for those that are closing", async () => {
      await using app = await serve(adapter, {
        routes: { "/": { hooks: { open: (peer) => peer.subscribe("room") } } },
      });
      const clients = await Promise.all([1, 2, 3].map(() => Client.open(app.url("/"))));
      app.spry.subscribe("room", () => {});
      expect(await app.spry.count("room")).toBe(3);
      expect(await app.spry.count("rooms", { waitMs: 60_000 })).toBe(0);
      app.spry.disconnect("room");
      expect(await app.spry.count("room")).toBe(0);
      await Promise.all(clients.map(({ closed }) => closed));
      await app.spry.close();
      expect(await app.spry.count("room")).toBe(0);
    });

    it("are not counted with options that mean nothing", async () => {
      await using app = await serve(adapter, { routes: {} });
      const count = app.spry.count.bind(app.spry) as (...args: unknown[]) => Promise<number>;
      const rejected = (args: unknown[]) =>
        count(...args).then(
          () => undefined,
          (error) => error.message,
        );
      expect(await rejected([42])).toBe("count(topic, options): a topic is a string, not a number");
      expect(await rejected(["room", { timeoutMs: 5 }])).toBe(
        'count(topic, options): there is no option "timeoutMs"; there is waitMs',
      );
      for (const waitMs of [Number.POSITIVE_INFINITY, 60_001])
        expect(await rejected(["room", { waitMs }])).toBe(
          `count(topic, options): "waitMs" must be 60_000 at most, not ${waitMs}`,
        );
      expect(await rejected(["room", { waitMs: -1 }])).toContain('"waitMs" must be a number of milliseconds');
    });
  });
}
