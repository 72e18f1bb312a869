import type { Hooks, Peer } from "@spry-ws/core";
import { describe, expect, it } from "vitest";
import type { Adapter } from "../fixtures/adapter.ts";
import { Client } from "../fixtures/client.ts";
import { Deferred } from "../fixtures/deferred.ts";
import { paused } from "../fixtures/paused.ts";
import { fragments, frame, handshake, RawClient } from "../fixtures/raw.ts";
import { Recorder } from "../fixtures/recorder.ts";
import { serve } from "../fixtures/serve.ts";

export function limitsSuite(adapter: Adapter): void {
  describe("handshakes are bounded", () => {
    it.each(["upgrade hook", "middleware"])(
      "answers 408 where the %s takes too long, and drops what comes later (C11)",
      async (where) => {
        const gate = new Deferred();
        const recorder = new Recorder();
        const wait = async (): Promise<undefined> =>
          gate.promise.then(() => recorder.note("late") as undefined);
        const route =
          where === "middleware"
            ? { hooks: recorder.hooks(), guard: wait }
            : { hooks: recorder.hooks({ upgrade: wait }) };
        await using app = await serve(adapter, {
          routes: { "/": route },
          options: { handshakeTimeoutMs: 20 },
        });
        using client = await RawClient.connect(app.port, handshake());
        expect((await client.response()).status).toBe(408);
        await client.ended();
        gate.resolve();
        await recorder.until("late");
        await new Promise((resolve) => setImmediate(resolve));
        expect(recorder.calls.filter((call) => call === "open")).toEqual([]);
        const notice = expect.objectContaining({ code: "SPRY_WS_UNROUTED" });
        expect(app.logged).toEqual(where === "middleware" ? [notice] : []);
        expect(app.spry.metrics()).toMatchObject({ pendingHandshakes: 0, refused: { timeout: 1 } });
      },
    );

    it("refuses with 503 over maxPeers, handshakes under way counted, before any hook", async () => {
      const gate = new Deferred();
      const recorder = new Recorder();
      const hooks = recorder.hooks({ upgrade: () => (recorder.calls.length > 1 ? gate.promise : undefined) });
      await using app = await serve(adapter, { routes: { "/": { hooks } }, options: { maxPeers: 2 } });
      const first = await Client.open(app.url("/"));
      await recorder.until("open");
      using pending = await RawClient.connect(app.port, handshake());
      await recorder.until("upgrade");
      using third = await RawClient.connect(app.port, handshake());
      const refusal = await third.response();
      expect([refusal.status, refusal.headers["retry-after"]]).toEqual([503, "10"]);
      gate.resolve();
      expect((await pending.response()).status).toBe(101);
      await recorder.until("open");
      expect(recorder.calls.filter((call) => call === "upgrade")).toHaveLength(2);
      first.socket.close();
      await recorder.until(/^close/);
      await using fourth = await Client.open(app.url("/"));
      expect(fourth.socket.readyState).toBe(1);
    });

    it("gives the last place of maxPeers to one of two that were in middleware", async () => {
      const gate = new Deferred();
      const arrivals = [new Deferred(), new Deferred()];
      let calls = 0;
      const guard = () => {
        arrivals[calls++]?.resolve();
        return gate.promise.then(() => undefined);
      };
      await using app = await serve(adapter, {
        routes: { "/": { hooks: {}, guard } },
        options: { maxPeers: 1 },
      });
      using first = await RawClient.connect(app.port, handshake());
      using second = await RawClient.connect(app.port, handshake());
      await Promise.all(arrivals.map(({ promise }) => promise));
      gate.resolve();
      const statuses = [(await first.response()).status, (await second.response()).status];
      expect(statuses.sort()).toEqual([101, 503]);
    });

    it("refuses with 429 over maxPeersPerAddress, and gives the place back when a peer or a handshake ends", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        upgrade: () => (recorder.calls.length === 1 ? new Response(null, { status: 401 }) : undefined),
      });
      await using app = await serve(adapter, {
        routes: { "/": { hooks } },
        options: { maxPeersPerAddress: 1 },
      });
      using refused = await RawClient.connect(app.port, handshake());
      expect((await refused.response()).status).toBe(401);
      const first = await Client.open(app.url("/"));
      using second = await RawClient.connect(app.port, handshake());
      expect((await second.response()).status).toBe(429);
      expect(recorder.calls.filter((call) => call === "upgrade")).toHaveLength(2);
      first.socket.terminate();
      await recorder.until("close 1006");
      await using third = await Client.open(app.url("/"));
      expect(third.socket.readyState).toBe(1);
      expect(app.spry.metrics().refused).toMatchObject({ maxPeersPerAddress: 1, hook: 1 });
    });

    if (!adapter.hasFramework) return;

    it("counts by the forwarded address where the framework trusts the proxy, an IPv6 /64 as one", async () => {
      await using app = await serve(adapter, {
        routes: { "/": { hooks: {} } },
        options: { maxPeersPerAddress: 1 },
        trustProxy: true,
      });
      const from = async (address: string): Promise<number> => {
        const client = await RawClient.connect(
          app.port,
          handshake({ headers: { "X-Forwarded-For": address } }),
        );
        return (await client.response()).status;
      };
      expect(await from("203.0.113.1")).toBe(101);
      expect(await from("203.0.113.1")).toBe(429);
      expect(await from("203.0.113.2")).toBe(101);
      expect(await from("2001:db8:1:2::1")).toBe(101);
      expect(await from("2001:0db8:1:2:ffff::1")).toBe(429);
      expect(await from("2001:db8:1:3::1")).toBe(101);
      // With the client's port, as Azure's proxies write it, it is the same client.
      expect(await from("203.0.113.3:40001")).toBe(101);
      expect(await from("203.0.113.3:40002")).toBe(429);
      expect(await from("203.0.113.3")).toBe(429);
      expect(await from("203.0.113.4:40001")).toBe(101);
      expect(await from("[2001:db8:1:4::1]:40001")).toBe(101);
      expect(await from("[2001:db8:1:4::2]:40002")).toBe(429);
      expect(await from("[2001:db8:1:5::1]:40001")).toBe(101);
    });
  });

  describe("what a client sends is bounded", () => {
    it("stops reading while 10,000 messages wait for a slow hook, and handles all in order (B4)", async () => {
      let handled = 0;
      let inOrder = true;
      let mostWaiting = 0;
      const recorder = new Recorder();
      const hooks = {
        async message(peer: Peer, message: { text(): string }) {
          inOrder &&= message.text().startsWith(`${handled} `);
          mostWaiting = Math.max(mostWaiting, app.spry.metrics().messagesReceived - handled);
          await new Promise((resolve) => setImmediate(resolve));
          if (++handled === 10_000) recorder.note(`done ${peer.readyState}`);
        },
      };
      await using app = await serve(adapter, {
        routes: { "/": { hooks } },
        options: { maxQueuedMessages: 8 },
      });
      await using client = await Client.open(app.url("/"));
      for (let i = 0; i < 10_000; i++) client.send(`${i} ${"x".repeat(1_000)}`);
      await recorder.until("done 1");
      expect(inOrder).toBe(true);
      // What one read of the socket holds, 64 KiB, is delivered whole; nothing is read beyond it.
      expect(mostWaiting).toBeLessThan(8 + 2 * 66);
    });

    it("counts the bytes that wait, not only the messages", async () => {
      const gate = new Deferred();
      const recorder = new Recorder();
      const hooks = recorder.hooks({ message: () => gate.promise });
      await using app = await serve(adapter, {
        routes: { "/": { hooks } },
        options: { maxQueuedBytes: 1_000 },
      });
      await using client = await Client.open(app.url("/"));
      for (const text of ["1", "2", "3"]) client.send(text.repeat(600));
      await recorder.until(/^message 1/);
      await paused(recorder.peers[0]);
      gate.resolve();
      await recorder.until(/^message 3/);
    });

    it.each([
      ["messages", 10, { messages: 10 }, () => Array.from({ length: 11 }, () => frame("x"))],
      ["bytes", 1, { bytes: 1_000 }, () => [frame("x".repeat(600)), frame("x".repeat(600))]],
      ["pings", 0, { messages: 10 }, () => Array.from({ length: 11 }, () => frame("", { opcode: 9 }))],
      [
        "unasked pongs",
        0,
        { messages: 10 },
        () => Array.from({ length: 11 }, () => frame("", { opcode: 10 })),
      ],
      ["small fragments", 0, { messages: 10 }, () => fragments(Array(12).fill("x"))],
      ["empty fragments, with compression", 0, { messages: 10 }, () => fragments(Array(12).fill(""))],
    ])(
      "closes with 1008 a client that sends more %s than rateLimit allows",
      async (what, taken, limit, frames) => {
        const recorder = new Recorder();
        const rateLimit = { ...limit, perMs: 60_000 };
        await using app = await serve(adapter, {
          routes: { "/": { hooks: recorder.hooks() } },
          options: { rateLimit, perMessageDeflate: true },
        });
        const headers = what.endsWith("compression")
          ? { "Sec-WebSocket-Extensions": "permessage-deflate" }
          : {};
        using client = await RawClient.connect(app.port, handshake({ headers }));
        await client.response();
        client.socket.write(Buffer.concat(frames()));
        expect(await client.closeFrame()).toEqual({ code: 1008, reason: "rate limit exceeded" });
        expect(recorder.calls.filter((call) => call.startsWith("message"))).toHaveLength(taken);
        expect(app.spry.metrics().terminated.rateLimit).toBe(1);
      },
    );

    it("counts no pong that answers a ping against rateLimit, and a message in large fragments once", async () => {
      const hooks: Hooks = {
        open(peer) {
          for (let i = 0; i < 5; i++) peer.ping(String(i));
        },
        message: (peer, message) => peer.send(String(message.byteLength)),
      };
      const rateLimit = { messages: 3, perMs: 60_000 };
      await using app = await serve(adapter, { routes: { "/": { hooks } }, options: { rateLimit } });
      using client = await RawClient.connect(app.port, handshake());
      await client.response();
      for (let i = 0; i < 5; i++) client.socket.write(frame((await client.frame()).payload, { opcode: 10 }));
      client.socket.write(Buffer.concat(fragments(Array(20).fill("x".repeat(2_000)))));
      expect((await client.frame()).payload.toString()).toBe("40000");
      client.socket.write(Buffer.concat([frame("two"), frame("unasked", { opcode: 10 })]));
      expect((await client.frame()).payload.toString()).toBe("3");
      client.socket.write(frame("four"));
      expect(await client.closeFrame()).toEqual({ code: 1008, reason: "rate limit exceeded" });
    });

    it.each([
      ["as it is", {}],
      ["with compression", { "Sec-WebSocket-Extensions": "permessage-deflate" }],
    ])("closes with 1008 a client whose message has more than maxFragments, %s", async (_how, headers) => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({ message: (peer, message) => peer.send(message) });
      const options = { maxFragments: 100, perMessageDeflate: true };
      await using app = await serve(adapter, { routes: { "/": { hooks } }, options });
      using client = await RawClient.connect(app.port, handshake({ headers }));
      await client.response();
      client.socket.write(Buffer.concat(fragments(Array(100).fill("x"))));
      expect((await client.frame()).payload.toString()).toBe("x".repeat(100));
      client.socket.write(Buffer.concat(fragments(Array(101).fill("x"))));
      expect((await client.closeFrame()).code).toBe(1008);
      await recorder.until("error");
      expect(recorder.errors).toMatchObject([{ code: "WS_ERR_TOO_MANY_BUFFERED_PARTS" }]);
      expect(app.spry.metrics().terminated.protocolError).toBe(1);
    });

    it("takes a message of 4 MiB in 65,536 fragments where maxFragments allows that", async () => {
      const hooks: Hooks = { message: (peer, message) => peer.send(String(message.byteLength)) };
      const options = { maxPayload: 4_194_304, maxFragments: 65_536 };
      await using app = await serve(adapter, { routes: { "/": { hooks } }, options });
      using client = await RawClient.connect(app.port, handshake());
      await client.response();
      client.socket.write(Buffer.concat(fragments(Array(65_536).fill("x".repeat(64)))));
      expect((await client.frame()).payload.toString()).toBe("4194304");
    });

    it("lets a client that keeps to the rate go on", async () => {
      const rateLimit = { messages: 2, perMs: 40 };
      const hooks = { message: (peer: Peer, message: { text(): string }) => peer.send(message.text()) };
      await using app = await serve(adapter, { routes: { "/": { hooks } }, options: { rateLimit } });
      await using client = await Client.open(app.url("/"));
      for (let i = 0; i < 5; i++) {
        client.send(String(i));
        expect(await client.next()).toBe(String(i));
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
    });
  });

  describe("what waits for a client is bounded (E6)", () => {
    const chunk = Buffer.alloc(65_536);

    it("closes a stalled reader with 1013; the others get everything", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({ open: (peer) => peer.subscribe("feed") });
      const options = { sendBuffer: { maxBytes: 1_048_576 }, closeTimeoutMs: 50 };
      await using app = await serve(adapter, { routes: { "/": { hooks } }, options });
      using stalled = await RawClient.connect(app.port, handshake());
      await stalled.response();
      stalled.socket.pause();
      await using reader = await Client.open(app.url("/"));
      let most = 0;
      // 32 MiB: more than the kernel buffers for the one that does not read.
      for (let i = 0; i < 512; i++) {
        app.spry.publish("feed", chunk);
        most = Math.max(most, app.spry.metrics().bufferedBytes);
        expect(await reader.next()).toHaveLength(chunk.length);
      }
      expect(most).toBeLessThan(1_048_576 + 2 * chunk.length);
      await recorder.until("close 1006");
      expect(app.spry.metrics()).toMatchObject({
        peers: 1,
        messagesDropped: 0,
        terminated: { sendBuffer: 1 },
      });
    });

    it("drops messages for a stalled reader where onLimit says so, counts them, and keeps the peer", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks();
      const sendBuffer = { maxBytes: 1_048_576, onLimit: "drop" } as const;
      await using app = await serve(adapter, { routes: { "/": { hooks } }, options: { sendBuffer } });
      using stalled = await RawClient.connect(app.port, handshake());
      await stalled.response();
      stalled.socket.pause();
      const [peer] = recorder.peers;
      for (let i = 0; i < 512; i++) {
        peer?.send(chunk);
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(app.spry.metrics().messagesDropped).toBeGreaterThan(0);
      expect(app.spry.metrics().bufferedBytes).toBeLessThan(1_048_576 + 2 * chunk.length);
      expect(peer?.readyState).toBe(1);
    });

    it.each([
      ["small, then large", [5, 16_777_216]],
      ["large, then small", [16_777_216, 5]],
      ["many at once that the operating system takes", Array<number>(200).fill(20_000)],
    ])("sends all messages of one tick to a client that reads: %s", async (_what, sizes) => {
      const hooks = {
        open(peer: Peer) {
          for (const size of sizes) peer.send(Buffer.alloc(size));
        },
      };
      const maxBytes = sizes.length > 2 ? 100_000 : 16_777_216;
      await using app = await serve(adapter, {
        routes: { "/": { hooks } },
        options: { sendBuffer: { maxBytes } },
      });
      await using client = await Client.open(app.url("/"));
      const messages = await client.messages.take(sizes.length);
      expect(messages.map(({ length }) => length)).toEqual(sizes);
      expect(app.spry.metrics().terminated.sendBuffer).toBe(0);
    });

    it("bounds what one tick sends too", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        open(peer) {
          let sent = 0;
          while (peer.readyState === 1) {
            peer.send(Buffer.alloc(1_048_576));
            sent++;
          }
          // What waits, the one that does not count, the one that is refused, and what has gone to the operating system.
          recorder.note(sent < 16 + 2 + 8 ? "bounded" : `sent ${sent}`);
        },
      });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      using client = await RawClient.connect(app.port, handshake());
      client.socket.pause();
      await recorder.until("bounded");
      expect(app.spry.metrics().terminated.sendBuffer).toBe(1);
    });

    it("always sends one message, whatever its size", async () => {
      const hooks = { open: (peer: Peer) => peer.send(Buffer.alloc(100_000)) };
      await using app = await serve(adapter, {
        routes: { "/": { hooks } },
        options: { sendBuffer: { maxBytes: 10 } },
      });
      await using client = await Client.open(app.url("/"));
      expect(await client.next()).toHaveLength(100_000);
    });
  });
}
