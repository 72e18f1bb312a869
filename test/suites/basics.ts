import { Message, type Peer, ReadyState } from "@spry-ws/core";
import { describe, expect, it } from "vitest";
import type { Adapter } from "../fixtures/adapter.ts";
import { Client } from "../fixtures/client.ts";
import { Recorder } from "../fixtures/recorder.ts";
import { serve } from "../fixtures/serve.ts";

export function basicsSuite(adapter: Adapter): void {
  describe("hooks and peers", () => {
    it("calls upgrade, open, message and close, in this order", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        message(peer, message) {
          if (message.text() === "ping") peer.send(Message.text("pong"));
        },
      });
      await using app = await serve(adapter, { routes: { "/chat": { hooks } } });
      await using client = await Client.open(app.url("/chat"));
      client.send("ping");
      expect(await client.next()).toBe("pong");
      client.socket.close(4001, "bye");
      await recorder.until("close 4001 bye");
      expect(recorder.calls).toEqual(["upgrade", "open", "message ping", "close 4001 bye"]);
    });

    it("takes a function that gives hooks, also a promise of them, for each handshake", async () => {
      const greet = (text: string) => ({ open: (peer: { send(data: string): boolean }) => peer.send(text) });
      let count = 0;
      const hooks = async () => greet(`hooks ${++count}`);
      await using app = await serve(adapter, { routes: { "/chat": { hooks } } });
      await using first = await Client.open(app.url("/chat"));
      expect(await first.next()).toBe("hooks 1");
      await using second = await Client.open(app.url("/chat"));
      expect(await second.next()).toBe("hooks 2");
    });

    it.runIf("union" in Set.prototype)("has in peers what sets can be asked, where they can", async () => {
      const recorder = new Recorder();
      await using app = await serve(adapter, { routes: { "/": { hooks: recorder.hooks() } } });
      await using _one = await Client.open(app.url("/"));
      await using _two = await Client.open(app.url("/"));
      await recorder.until("open");
      await recorder.until("open");
      const [one, two] = recorder.peers as [Peer, Peer];
      const peers = app.spry.peers as unknown as Record<string, (other: Set<unknown>) => unknown>;
      const only = new Set([one]);
      expect(peers["union"]?.(new Set(["x"]))).toEqual(new Set([one, two, "x"]));
      expect(peers["intersection"]?.(only)).toEqual(only);
      expect(peers["difference"]?.(only)).toEqual(new Set([two]));
      expect(peers["symmetricDifference"]?.(only)).toEqual(new Set([two]));
      expect(peers["isSupersetOf"]?.(only)).toBe(true);
      expect(peers["isSubsetOf"]?.(only)).toBe(false);
      expect(peers["isDisjointFrom"]?.(new Set())).toBe(true);
      expect(Reflect.apply(Reflect.get(Set.prototype, "difference"), only, [peers])).toEqual(new Set());
    });

    it("throws for options of send that would do nothing", async () => {
      const recorder = new Recorder();
      await using app = await serve(adapter, { routes: { "/": { hooks: recorder.hooks() } } });
      await using client = await Client.open(app.url("/"));
      await recorder.until("open");
      const [peer] = recorder.peers;
      const send = (options: unknown) => () => peer?.send("x", options as never);
      expect(send({ compres: false })).toThrow(/no option "compres"; there is compress/);
      expect(send({ compress: "no" })).toThrow(/"compress" must be true or false, not a string/);
      expect(send(() => {})).toThrow(/takes \{ compress \} as its options, not a function/);
      expect(catchCode(send(true))).toBe("SPRY_WS_OPTION");
      peer?.send("last", {});
      expect(await client.next()).toBe("last");
    });

    it("has each open peer in peers, and none that has gone", async () => {
      const recorder = new Recorder();
      await using app = await serve(adapter, { routes: { "/chat": { hooks: recorder.hooks() } } });
      expect(app.spry.peers.size).toBe(0);
      const client = await Client.open(app.url("/chat"));
      await recorder.until("open");
      const [peer] = recorder.peers;
      const { peers } = app.spry;
      expect([...peers]).toEqual([peer]);
      expect([[...peers.keys()], [...peers.values()], [...peers.entries()]]).toEqual([
        [peer],
        [peer],
        [[peer, peer]],
      ]);
      expect(peers.has(peer as Peer)).toBe(true);
      for (const other of [undefined, null, "peer", {}, Object.create(peer as Peer)])
        expect(peers.has(other as Peer)).toBe(false);
      const seen: unknown[] = [];
      peers.forEach(function (this: unknown, ...args) {
        seen.push(this, ...args);
      }, "this");
      expect(seen).toEqual(["this", peer, peer, peers]);
      expect(peer?.readyState).toBe(ReadyState.open);
      expect(peer?.id).toMatch(/^[0-9a-f-]{36}$/);
      expect(peer?.id).toBe(peer?.id);
      client.socket.close();
      await recorder.until("close 1005");
      expect([peers.size, peers.has(peer as Peer)]).toEqual([0, false]);
      expect(peer?.readyState).toBe(ReadyState.closed);
      expect(peer?.send("too late")).toBe(false);
    });

    it("keeps the context that upgrade returned, and what the event was given, for all later hooks", async () => {
      const seen: unknown[] = [];
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        upgrade(event) {
          event.set("user", "ada");
          event.set("secret", 1);
          event.remove("secret");
          return { context: { room: "blue" } };
        },
        open: (peer) => void seen.push(peer.context, peer.get("user"), peer.get("secret")),
        message: (peer) => void seen.push(peer.context.room, peer.get("user")),
        close: (peer) => void seen.push(peer.context.room, peer.get("user")),
      });
      await using app = await serve(adapter, { routes: { "/chat": { hooks } } });
      const client = await Client.open(app.url("/chat"));
      client.send("x");
      client.socket.close();
      await recorder.until("close 1005");
      expect(seen).toEqual([{ room: "blue" }, "ada", undefined, "blue", "ada", "blue", "ada"]);
    });

    it("closes with a code and a reason, and settles when the closing handshake has ended", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        message: (peer) => void peer.close(4002, "enough").then(() => recorder.note("settled")),
      });
      await using app = await serve(adapter, { routes: { "/chat": { hooks } } });
      await using client = await Client.open(app.url("/chat"));
      client.send("x");
      expect(await client.closed).toEqual({ code: 4002, reason: "enough" });
      await recorder.until("settled");
      expect(recorder.calls).toContain("close 4002 enough");
    });

    it("terminates without a closing handshake", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({ message: (peer) => peer.terminate() });
      await using app = await serve(adapter, { routes: { "/chat": { hooks } } });
      await using client = await Client.open(app.url("/chat"));
      client.send("x");
      expect((await client.closed).code).toBe(1006);
      await recorder.until("close 1006");
    });

    it("sends pings, which clients answer", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        open(peer) {
          peer.websocket.on("pong", (data) => recorder.note(`pong ${data}`));
          peer.ping("abc");
        },
      });
      await using app = await serve(adapter, { routes: { "/chat": { hooks } } });
      await using _client = await Client.open(app.url("/chat"));
      await recorder.until("pong abc");
      expect(() => recorder.peers[0]?.ping("x".repeat(126))).toThrow(/up to 125 bytes, not 126/);
    });
  });

  describe("topics", () => {
    it("publishes to the subscribers of a topic, from a peer to all but itself, from the instance to all", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        open: (peer) => peer.subscribe("room"),
        message: (peer, message) => peer.publish("room", message),
      });
      await using app = await serve(adapter, { routes: { "/chat": { hooks } } });
      await using ada = await Client.open(app.url("/chat"));
      await using bob = await Client.open(app.url("/chat"));
      await recorder.until("open");
      await recorder.until("open");
      ada.send("hello");
      expect(await bob.next()).toBe("hello");
      app.spry.publish("room", Message.bytes(new Uint8Array([1, 2])));
      expect(await ada.next()).toEqual(Buffer.from([1, 2]));
      expect(await bob.next()).toEqual(Buffer.from([1, 2]));
    });

    it("ends a subscription by unsubscribe and by closing; the close hook still sees the topics", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        open(peer) {
          peer.subscribe("a");
          peer.subscribe("b");
          peer.subscribe("b");
          peer.unsubscribe("a");
        },
        close: (peer) => recorder.note([...peer.topics].join()),
      });
      await using app = await serve(adapter, { routes: { "/chat": { hooks } } });
      const client = await Client.open(app.url("/chat"));
      await recorder.until("open");
      app.spry.publish("a", "not for it");
      app.spry.publish("b", "for it");
      expect(await client.next()).toBe("for it");
      client.socket.close();
      await recorder.until("b");
      app.spry.publish("b", "nobody there");
      expect(recorder.peers[0]?.topics.size).toBe(0);
    });

    it("refuses a topic that is no string", async () => {
      await using app = await serve(adapter, { routes: {} });
      expect(() => app.spry.publish(1 as unknown as string, "x")).toThrow(
        /a topic is a string, not a number/,
      );
    });
  });
}

function catchCode(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return Reflect.get(error as Error, "code");
  }
  return undefined;
}
