import { setImmediate as nextTurn } from "node:timers/promises";
import { Message, type Peer, ReadyState } from "@spry-ws/core";
import { describe, expect, it } from "vitest";
import type { Adapter } from "../fixtures/adapter.ts";
import { Client } from "../fixtures/client.ts";
import { Deferred } from "../fixtures/deferred.ts";
import { heldGuard } from "../fixtures/held-guard.ts";
import { paused } from "../fixtures/paused.ts";
import { closeFrame, frame, handshake, RawClient } from "../fixtures/raw.ts";
import { Recorder } from "../fixtures/recorder.ts";
import { serve } from "../fixtures/serve.ts";

export function orderSuite(adapter: Adapter): void {
  describe("messages, none lost and none overtaken", () => {
    it.each(["upgrade", "open"] as const)(
      "keeps messages that come while %s is pending (B1)",
      async (hook) => {
        const gate = new Deferred();
        const recorder = new Recorder();
        const hooks = recorder.hooks({
          async [hook]() {
            await gate.promise;
            recorder.note(`${hook} done`);
          },
        });
        await using app = await serve(adapter, { routes: { "/": { hooks } } });
        using client = await RawClient.connect(app.port, handshake());
        await recorder.until(hook);
        client.socket.write(Buffer.concat([frame("one"), frame("two")]));
        gate.resolve();
        await recorder.until("message two");
        expect(recorder.calls.slice(-3)).toEqual([
          hook === "open" ? "open done" : "open",
          "message one",
          "message two",
        ]);
      },
    );

    it("keeps messages that come while the framework's middleware is pending (B1)", async () => {
      const recorder = new Recorder();
      const { guard, release } = heldGuard(recorder, "guard");
      await using app = await serve(adapter, { routes: { "/": { hooks: recorder.hooks(), guard } } });
      using client = await RawClient.connect(app.port, handshake());
      await recorder.until("guard");
      client.socket.write(Buffer.concat([frame("one"), frame("two")]));
      release();
      await recorder.until("message two");
      expect(recorder.calls).toEqual(["guard", "upgrade", "open", "message one", "message two"]);
    });

    it("handles messages one after the other, however long each takes (B2)", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        async message(peer, message) {
          const turns = 10 - 3 * Number(message.text());
          for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
          recorder.note(`done ${message.text()}`);
          peer.send(message);
        },
      });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      await using client = await Client.open(app.url("/"));
      for (const text of ["1", "2", "3"]) client.send(text);
      expect(await client.messages.take(3)).toEqual(["1", "2", "3"]);
      expect(recorder.calls.slice(2)).toEqual([
        "message 1",
        "done 1",
        "message 2",
        "done 2",
        "message 3",
        "done 3",
      ]);
    });

    it("runs as many message hooks at once as concurrency says, started in order; close still waits for all", async () => {
      const gate = new Deferred();
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        async message(_peer, message) {
          await gate.promise;
          recorder.note(`done ${message.text()}`);
        },
      });
      await using app = await serve(adapter, { routes: { "/": { hooks } }, options: { concurrency: 2 } });
      using client = await RawClient.connect(app.port, handshake());
      await client.response();
      client.socket.write(Buffer.concat([frame("1"), frame("2"), frame("3"), closeFrame(1000)]));
      await recorder.until("message 2");
      expect(recorder.calls).not.toContain("message 3");
      gate.resolve();
      await recorder.until("close 1000");
      expect(recorder.calls.slice(2, 4)).toEqual(["message 1", "message 2"]);
      expect(recorder.calls.slice(4, -1).sort()).toEqual(["done 1", "done 2", "done 3", "message 3"]);
      expect(recorder.calls.at(-1)).toBe("close 1000");
    });

    it("stops reading while messages wait for a hook, and loses none of them", async () => {
      const gate = new Deferred();
      const recorder = new Recorder();
      const hooks = recorder.hooks({ message: () => gate.promise });
      await using app = await serve(adapter, {
        routes: { "/": { hooks } },
        options: { maxQueuedMessages: 4 },
      });
      await using client = await Client.open(app.url("/"));
      for (let i = 0; i < 100; i++) client.send(String(i));
      await recorder.until("message 0");
      await paused(recorder.peers[0]);
      gate.resolve();
      await recorder.until("message 99");
      expect(recorder.calls.slice(2)).toEqual(Array.from({ length: 100 }, (_, i) => `message ${i}`));
    });

    it("sends what was sent before the close frame, and nothing after it (B5)", async () => {
      const sent: boolean[] = [];
      const hooks = {
        open(peer: Peer) {
          for (let i = 0; i < 100; i++) sent.push(peer.send(String(i)));
          void peer.close(4000);
          sent.push(peer.send("after"));
        },
      };
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      using client = await RawClient.connect(app.port, handshake());
      await client.response();
      for (let i = 0; i < 100; i++) expect((await client.frame()).payload.toString()).toBe(String(i));
      expect((await client.frame()).opcode).toBe(8);
      client.socket.write(closeFrame(4000));
      expect(await client.ended()).toBe("");
      expect(sent).toEqual([...Array(100).fill(true), false]);
    });

    it("handles the messages that wait when the client closes, then calls close (B6)", async () => {
      const gate = new Deferred();
      const recorder = new Recorder();
      const hooks = recorder.hooks({ message: () => gate.promise });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      using client = await RawClient.connect(app.port, handshake());
      await client.response();
      client.socket.write(Buffer.concat([frame("1"), frame("2"), frame("3"), closeFrame(1001, "gone")]));
      await client.ended();
      expect(recorder.calls.at(-1)).toBe("message 1");
      gate.resolve();
      await recorder.until("close 1001 gone");
      expect(recorder.calls.slice(2)).toEqual(["message 1", "message 2", "message 3", "close 1001 gone"]);
    });

    it("delivers no message after the server has begun to close", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({ message: (peer) => void peer.close(4001) });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      using client = await RawClient.connect(app.port, handshake());
      await client.response();
      client.socket.write(Buffer.concat([frame("1"), frame("2"), closeFrame(4001)]));
      await recorder.until("close 4001");
      expect(recorder.calls).toEqual(["upgrade", "open", "message 1", "close 4001"]);
    });

    it("calls close after an open hook that is still running when the client closes", async () => {
      const gate = new Deferred();
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        async open() {
          await gate.promise;
          recorder.note("opened");
        },
      });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      using client = await RawClient.connect(app.port, handshake());
      await client.response();
      client.socket.write(closeFrame(1000));
      await client.ended();
      gate.resolve();
      await recorder.until("close 1000");
      expect(recorder.calls).toEqual(["upgrade", "open", "opened", "close 1000"]);
    });
  });

  describe("frames of one tick", () => {
    it("keep the order in which they were sent, published, pinged and closed; nothing follows the close frame", async () => {
      const large = "L".repeat(20_000);
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        open: (peer) => {
          peer.subscribe("a");
          peer.subscribe("b");
        },
        message(peer) {
          peer.send("1");
          app.spry.publish("a", "2");
          app.spry.publish("b", Message.text("3"));
          peer.send(large);
          peer.ping("ping");
          app.spry.publish("a", large);
          peer.send(new Uint8Array([52]), { compress: false });
          app.spry.publish("a", "5");
          peer.publish("a", "not to itself");
          peer.send("6");
          peer.close(4000, "end");
          peer.send("after");
          app.spry.publish("a", "after");
        },
      });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      using client = await RawClient.connect(app.port, handshake());
      await client.response();
      client.socket.write(frame("go"));
      const got: string[] = [];
      for (;;) {
        const { opcode, payload } = await client.frame();
        got.push(`${opcode} ${payload.toString("latin1", opcode === 8 ? 2 : 0)}`);
        if (opcode === 8) break;
      }
      expect(got).toEqual([
        "1 1",
        "1 2",
        "1 3",
        `1 ${large}`,
        "9 ping",
        `1 ${large}`,
        "2 4",
        "1 5",
        "1 6",
        "8 end",
      ]);
      client.socket.write(closeFrame(4000));
      expect(await client.ended()).toBe("");
    });

    it("reach many peers in order, whoever sends in between, also where some are compressed", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({ open: (peer) => peer.subscribe("room") });
      const perMessageDeflate = { threshold: 10 };
      await using app = await serve(adapter, { routes: { "/": { hooks } }, options: { perMessageDeflate } });
      const plain = await Promise.all([1, 2, 3].map(() => Client.open(app.url("/"))));
      const deflated = await Promise.all(
        [1, 2].map(() => Client.open(app.url("/"), { perMessageDeflate: true })),
      );
      const smallWindow = { serverMaxWindowBits: 9 };
      deflated.push(await Client.open(app.url("/"), { perMessageDeflate: smallWindow }));
      const text = (i: number) => `message ${i} ${"abc".repeat(i)}`;
      const expected = new Map<unknown, string[]>([...app.spry.peers].map((peer) => [peer, []]));
      for (let i = 0; i < 100; i++) {
        for (const [index, peer] of [...app.spry.peers].entries()) {
          if (i % 7 !== index) continue;
          peer.send(text(i));
          expected.get(peer)?.push(text(i));
        }
        const [publisher] = app.spry.peers;
        if (i % 3 === 0) publisher?.publish("room", text(i));
        else app.spry.publish("room", text(i));
        for (const [peer, list] of expected) if (i % 3 !== 0 || peer !== publisher) list.push(text(i));
      }
      const lists = [...expected.values()];
      for (const [index, client] of [...plain, ...deflated].entries()) {
        expect(await client.messages.take(lists[index]?.length ?? 0)).toEqual(lists[index]);
      }
      for (const client of [...plain, ...deflated]) await client[Symbol.asyncDispose]();
    });

    it("are not lost where the client's close frame comes behind the message they answer", async () => {
      const hooks = { message: (peer: Peer, message: Message) => peer.send(message) };
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      using client = await RawClient.connect(app.port, handshake());
      await client.response();
      client.socket.write(Buffer.concat([frame("last"), closeFrame(1000)]));
      expect((await client.frame()).payload.toString()).toBe("last");
      expect((await client.frame()).opcode).toBe(8);
    });
  });

  describe("backpressure", () => {
    it("says false over the high-water mark, then drains", async () => {
      const recorder = new Recorder();
      const chunk = Buffer.alloc(1_048_576);
      const hooks = recorder.hooks({
        async open(peer) {
          let sent = 1;
          while (peer.send(chunk)) sent++;
          recorder.note(`full ${peer.bufferedAmount > 65_536}`);
          await peer.drained();
          recorder.note(`drained ${peer.bufferedAmount}`);
          peer.send(String(sent));
        },
        drain: () => recorder.note("drain hook"),
      });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      await using client = await Client.open(app.url("/"));
      let received = 0;
      let last = await client.next();
      while (typeof last !== "string") {
        received++;
        last = await client.next();
      }
      expect(received).toBe(Number(last));
      await recorder.until("drain hook");
      expect(recorder.calls).toEqual(["upgrade", "open", "full true", "drained 0", "drain hook"]);
    });

    it("drains also where only the header of a message goes beyond the high-water mark", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        async open(peer) {
          for (let size = 65_536; size > 65_520; size--) {
            if (!peer.send(Buffer.alloc(size))) await peer.drained();
          }
          recorder.note("all sent");
        },
      });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      await using _client = await Client.open(app.url("/"));
      await recorder.until("all sent");
    });

    it("drains also where a message was dropped while less than the high-water mark waited", async () => {
      const recorder = new Recorder();
      const chunk = Buffer.alloc(65_536);
      const hooks = recorder.hooks({
        async open(peer) {
          while (peer.send(chunk)) await nextTurn();
          recorder.note("dropped");
          await peer.drained();
          recorder.note(`drained ${peer.bufferedAmount}`);
          while (!peer.send("last")) await peer.drained();
        },
        drain: () => recorder.note("drain hook"),
      });
      const options = {
        sendBuffer: { maxBytes: 1_048_576, onLimit: "drop" },
        highWaterMarkBytes: 16_777_216,
      } as const;
      await using app = await serve(adapter, { routes: { "/": { hooks } }, options });
      using client = await RawClient.connect(app.port, handshake());
      client.socket.pause();
      await recorder.until("dropped");
      for (let i = 0; i < 10; i++) await nextTurn();
      expect(recorder.calls.at(-1)).toBe("dropped");
      client.socket.resume();
      await recorder.until("drain hook");
      expect(recorder.calls).toEqual(["upgrade", "open", "dropped", "drained 0", "drain hook"]);
      await client.response();
      let { payload } = await client.frame();
      while (payload.length === chunk.length) ({ payload } = await client.frame());
      expect(payload.toString()).toBe("last");
    });

    it("calls drain once for all that has drained while a hook ran, and goes on reading meanwhile", async () => {
      const recorder = new Recorder();
      const pauses: boolean[] = [];
      const hooks = recorder.hooks({
        async message(peer) {
          for (let i = 0; i < 20; i++) {
            while (peer.send(Buffer.alloc(1_048_576)));
            await peer.drained();
            pauses.push(peer.websocket.isPaused);
          }
        },
        drain: () => recorder.note("drain hook"),
      });
      const options = { maxQueuedMessages: 2 };
      await using app = await serve(adapter, { routes: { "/": { hooks } }, options });
      await using client = await Client.open(app.url("/"));
      client.send("first");
      await recorder.until("message first");
      client.send("second");
      for (let i = 0; i < 2; i++) await recorder.until(/^(message second|drain hook)$/);
      await nextTurn();
      expect(recorder.calls.slice(3).sort()).toEqual(["drain hook", "message second"]);
      expect(pauses).not.toContain(true);
    });

    it("reads the answer to a close frame where a drain hook waits and maxQueuedMessages is 1", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        async open(peer) {
          while (peer.send(Buffer.alloc(1_048_576)));
          await peer.drained();
          while (peer.send(Buffer.alloc(1_048_576)));
          await peer.close(4000);
        },
        drain: () => recorder.note("drain hook"),
      });
      const options = { maxQueuedMessages: 1, closeTimeoutMs: 5_000 };
      await using app = await serve(adapter, { routes: { "/": { hooks } }, options });
      await using _client = await Client.open(app.url("/"));
      await recorder.until(/^close/);
      expect(recorder.calls).toEqual(["upgrade", "open", "close 4000"]);
    });

    it("calls no drain hook for a peer that is terminated", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        async open(peer) {
          while (peer.send(Buffer.alloc(1_048_576))) await nextTurn();
          peer.terminate();
          await peer.drained();
        },
        drain: () => recorder.note("drain hook"),
      });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      using client = await RawClient.connect(app.port, handshake());
      client.socket.pause();
      await recorder.until("close 1006");
      expect(recorder.calls).toEqual(["upgrade", "open", "close 1006"]);
    });

    it("lets a loop of send and drained() notice that the peer has closed", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        async open(peer) {
          void peer.close();
          while (peer.readyState !== ReadyState.closed) if (!peer.send("x")) await peer.drained();
        },
      });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      await using _client = await Client.open(app.url("/"));
      await recorder.until("close 1005");
    });

    it("resolves drained() when the peer goes away, so that nobody waits for ever", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        async open(peer) {
          while (peer.send(Buffer.alloc(1_048_576)));
          recorder.note("full");
          await peer.drained();
          recorder.note("drained");
        },
      });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      using client = await RawClient.connect(app.port, handshake());
      client.socket.pause();
      await recorder.until("full");
      client.reset();
      await recorder.until("close 1006");
      expect(recorder.calls).toEqual(["upgrade", "open", "full", "drained", "close 1006"]);
    });
  });
}
