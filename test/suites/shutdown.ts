import { once } from "node:events";
import { setImmediate } from "node:timers/promises";
import type { Hooks, Message } from "@spry-ws/core";
import { describe, expect, it } from "vitest";
import type { Adapter } from "../fixtures/adapter.ts";
import { Client } from "../fixtures/client.ts";
import { Deferred } from "../fixtures/deferred.ts";
import { collectGarbage } from "../fixtures/memory.ts";
import { closeFrame, frame, handshake, RawClient } from "../fixtures/raw.ts";
import { Recorder } from "../fixtures/recorder.ts";
import { serve } from "../fixtures/serve.ts";

export function shutdownSuite(adapter: Adapter): void {
  describe("closing", () => {
    it("ends every peer with a close frame after what was sent, and settles when all are gone", async () => {
      const recorder = new Recorder();
      await using app = await serve(adapter, { routes: { "/": { hooks: recorder.hooks() } } });
      await using one = await Client.open(app.url("/"));
      await using two = await Client.open(app.url("/"));
      for (const peer of app.spry.peers) peer.send("last words");
      await app.spry.close({ code: 4001, reason: "update", jitterMs: 20 });
      expect([await one.next(), await two.next()]).toEqual(["last words", "last words"]);
      expect(await one.closed).toEqual({ code: 4001, reason: "update" });
      expect((await two.closed).code).toBe(4001);
      expect(app.spry.peers.size).toBe(0);
    });

    it("terminates at the deadline peers that never answer (E2)", async () => {
      const recorder = new Recorder();
      await using app = await serve(adapter, { routes: { "/": { hooks: recorder.hooks() } } });
      using client = await RawClient.connect(app.port, handshake());
      await client.response();
      await app.spry.close({ deadlineMs: 30 });
      expect((await client.closeFrame()).code).toBe(1001);
      await recorder.until("close 1006");
      expect(app.spry.metrics()).toMatchObject({ peers: 0, terminated: { deadline: 1 } });
    });

    it("waits for an answer as long as closeTimeoutMs where there is no deadline", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks();
      await using app = await serve(adapter, {
        routes: { "/": { hooks } },
        options: { closeTimeoutMs: 100 },
      });
      using client = await RawClient.connect(app.port, handshake());
      await client.response();
      const startedAt = performance.now();
      await app.spry.close({ deadlineMs: Number.POSITIVE_INFINITY });
      expect(performance.now() - startedAt).toBeGreaterThan(80);
      expect(app.spry.metrics().terminated.deadline).toBe(0);
    });

    it("refuses with 503 handshakes that are under way and those that come later (E3)", async () => {
      const gate = new Deferred();
      const recorder = new Recorder();
      const hooks = recorder.hooks({ upgrade: () => gate.promise });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      using pending = await RawClient.connect(app.port, handshake());
      await recorder.until("upgrade");
      const closed = app.spry.close();
      const refusal = await pending.response();
      expect([refusal.status, refusal.headers["retry-after"]]).toEqual([503, "1"]);
      await closed;
      using late = await RawClient.connect(app.port, handshake());
      expect((await late.response()).status).toBe(503);
      gate.resolve();
      await setImmediate();
      expect(recorder.calls).toEqual(["upgrade"]);
      expect(app.spry.metrics().refused.closing).toBe(2);
    });

    it("closes the peers of a server that is told to close, with 1001; the server's close then ends (E4)", async () => {
      const recorder = new Recorder();
      await using app = await serve(adapter, { routes: { "/": { hooks: recorder.hooks() } } });
      await using client = await Client.open(app.url("/"));
      await new Promise((resolve) => app.server.close(resolve));
      expect((await client.closed).code).toBe(1001);
      await recorder.until("close 1001");
    });

    it("handles first what has been received: replies come before the close frame", async () => {
      const gate = new Deferred();
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        async message(peer, message) {
          await gate.promise;
          peer.send(`did ${message.text()}`);
        },
      });
      await using app = await serve(adapter, {
        routes: { "/": { hooks } },
        options: { maxQueuedMessages: 2 },
      });
      using client = await RawClient.connect(app.port, handshake());
      await client.response();
      client.socket.write(Buffer.concat(["1", "2", "3", "4"].map((text) => frame(text))));
      await recorder.until("message 1");
      const closed = app.spry.close();
      client.socket.write(frame("too late"));
      await setImmediate();
      gate.resolve();
      for (const text of ["1", "2", "3", "4"])
        expect((await client.frame()).payload.toString()).toBe(`did ${text}`);
      expect((await client.closeFrame()).code).toBe(1001);
      client.socket.write(closeFrame(1001));
      await closed;
      const messages = ["1", "2", "3", "4"].map((text) => `message ${text}`);
      expect(recorder.calls).toEqual(["upgrade", "open", ...messages, "close 1001"]);
    });

    it("waits for async close hooks, also of peers that had gone before", async () => {
      const recorder = new Recorder();
      const gates = [new Deferred(), new Deferred()];
      const hooks = recorder.hooks({
        async close(_peer, code) {
          await gates[code === 1006 ? 0 : 1]?.promise;
          recorder.note(`left ${code}`);
        },
      });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      using gone = await RawClient.connect(app.port, handshake());
      await gone.response();
      await using _client = await Client.open(app.url("/"));
      gone.reset();
      await recorder.until("close 1006");
      const closed = app.spry.close().then(() => recorder.note("closed"));
      await recorder.until("close 1001");
      gates[1]?.resolve();
      await recorder.until("left 1001");
      await setImmediate();
      gates[0]?.resolve();
      await closed;
      expect(recorder.calls.slice(-3)).toEqual(["left 1001", "left 1006", "closed"]);
    });

    it("ends at the deadline whatever hooks do; before that, everybody is sent a close frame", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        message: () => new Promise(() => {}),
        close: () => new Promise(() => {}),
      });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      await using busy = await Client.open(app.url("/"));
      await using idle = await Client.open(app.url("/"));
      busy.send("x");
      busy.send("dropped");
      await recorder.until("message x");
      const startedAt = performance.now();
      await app.spry.close({ deadlineMs: 400, reason: "update" });
      expect(performance.now() - startedAt).toBeGreaterThan(390);
      for (const client of [busy, idle])
        expect(await client.closed).toEqual({ code: 1001, reason: "update" });
      expect(app.spry.metrics()).toMatchObject({ peers: 0, terminated: { deadline: 0 } });
      expect(recorder.calls).not.toContain("message dropped");
    });

    it("spreads the close frames over jitterMs, and serves a peer until its turn", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({ message: (peer, message) => peer.send(message) });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      const clients = await Promise.all(Array.from({ length: 20 }, () => Client.open(app.url("/"))));
      const times = clients.map(({ closed }) => closed.then(() => performance.now()));
      const closed = app.spry.close({ jitterMs: 300 });
      for (const client of clients) client.send("still here");
      await closed;
      const sorted = (await Promise.all(times)).sort((a, b) => a - b);
      expect((sorted.at(-1) ?? 0) - (sorted[0] ?? 0)).toBeGreaterThan(30);
      expect(recorder.calls).toContain("message still here");
    });

    it.each(["before", "after"])("does what its options say, %s server.close()", async (order) => {
      await using app = await serve(adapter, { routes: { "/": { hooks: {} } } });
      const clients = await Promise.all(Array.from({ length: 20 }, () => Client.open(app.url("/"))));
      const times = clients.map(({ closed }) => closed.then(() => performance.now()));
      if (order === "after") app.server.close();
      const closed = app.spry.close({ code: 4001, reason: "update", jitterMs: 300 });
      if (order === "before") app.server.close();
      await closed;
      for (const client of clients) expect(await client.closed).toEqual({ code: 4001, reason: "update" });
      const sorted = (await Promise.all(times)).sort((a, b) => a - b);
      expect((sorted.at(-1) ?? 0) - (sorted[0] ?? 0)).toBeGreaterThan(30);
    });

    it("does what its options say with peers that server.close() has not closed yet", async () => {
      const gate = new Deferred();
      const recorder = new Recorder();
      const hooks = recorder.hooks({ message: () => gate.promise });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      await using client = await Client.open(app.url("/"));
      client.send("x");
      await recorder.until("message x");
      const serverClosed = new Promise((resolve) => app.server.close(resolve));
      for (let i = 0; i < 5; i++) await setImmediate();
      const closed = app.spry.close({ code: 4001 });
      gate.resolve();
      await Promise.all([closed, serverClosed]);
      expect((await client.closed).code).toBe(4001);
    });

    it("does what the option shutdown says where nothing else is said", async () => {
      const shutdown = { code: 4003, reason: "moving", deadlineMs: 200 };
      for (const close of ["server", "instance"]) {
        await using app = await serve(adapter, { routes: { "/": { hooks: {} } }, options: { shutdown } });
        await using client = await Client.open(app.url("/"));
        using silent = await RawClient.connect(app.port, handshake());
        await silent.response();
        if (close === "server") await new Promise((resolve) => app.server.close(resolve));
        else await app.spry.close({ reason: "now" });
        expect(await client.closed).toEqual({ code: 4003, reason: close === "server" ? "moving" : "now" });
        expect(app.spry.metrics()).toMatchObject({ peers: 0, terminated: { deadline: 1 } });
      }
    });

    it("leaves alone the peers of a server that listens again while those of before are being closed", async () => {
      const gate = new Deferred();
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        async message(peer, message) {
          if (message.text() === "old") await gate.promise;
          peer.send(message);
        },
      });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      await using old = await Client.open(app.url("/"));
      old.send("old");
      await recorder.until("message old");
      app.server.close();
      app.server.listen(app.port, "127.0.0.1");
      await once(app.server, "listening");
      await using young = await Client.open(app.url("/"));
      gate.resolve();
      expect((await old.closed).code).toBe(1001);
      await recorder.until("close 1001");
      young.send("young");
      expect(await young.next()).toBe("young");
    });

    it("calls back from server.close() when the close hooks have settled", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        async close() {
          for (let i = 0; i < 20; i++) await setImmediate();
          recorder.note("written");
        },
      });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      await using _client = await Client.open(app.url("/"));
      await new Promise<void>((resolve) => {
        app.server.close((error) => {
          recorder.note(`called back with ${error}`);
          resolve();
        });
      });
      expect(recorder.calls.slice(-3)).toEqual(["close 1001", "written", "called back with undefined"]);
    });
  });

  describe("nothing is left behind", () => {
    it("has no peers, topics or addresses after 200 connections with 20 rooms each (D3)", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        open(peer) {
          for (let i = 0; i < 20; i++) peer.subscribe(`room ${peer.id} ${i}`);
        },
      });
      await using app = await serve(adapter, {
        routes: { "/": { hooks } },
        options: { maxPeersPerAddress: 1_000 },
      });
      for (let i = 0; i < 200; i++) {
        using client = await RawClient.connect(app.port, handshake());
        await client.response();
        client.reset();
      }
      for (let i = 0; i < 200; i++) await recorder.until("close 1006");
      expect(app.spry.metrics()).toMatchObject({
        peers: 0,
        topics: 0,
        pendingHandshakes: 0,
        bufferedBytes: 0,
        accepted: 200,
      });
    });

    it("keeps no message that has been handled, also where others always wait behind it", async () => {
      const count = 300;
      const handled: WeakRef<Message>[] = [];
      const kept = new Deferred<number>();
      const hooks: Hooks = {
        async message(peer, message) {
          handled.push(new WeakRef(message));
          peer.send("next");
          // Two more, at least, are there before this one is done.
          while (app.spry.metrics().messagesReceived < handled.length + 2) await setImmediate();
          if (handled.length < count) return;
          collectGarbage();
          kept.resolve(handled.filter((reference) => reference.deref()).length);
        },
      };
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      await using client = await Client.open(app.url("/"));
      for (let sent = 0; sent < count + 2; sent++) {
        client.send("x");
        if (sent >= 2) await client.next();
      }
      expect(await kept.promise).toBeLessThan(10);
    });

    it("lets go of the response after the 101 (D5)", async () => {
      const recorder = new Recorder();
      await using app = await serve(adapter, { routes: { "/": { hooks: recorder.hooks() } } });
      using client = await RawClient.connect(app.port, handshake());
      await client.response();
      client.socket.write(frame("x"));
      await recorder.until("message x");
      const socket = Reflect.get(recorder.peers[0]?.websocket ?? {}, "_socket");
      expect(socket.remotePort).toBe(client.socket.localPort);
      expect(socket._httpMessage).toBeNull();
    });
  });
}
