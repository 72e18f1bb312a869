import { randomBytes } from "node:crypto";
import type { Writable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { constants, deflateRawSync } from "node:zlib";
import type { Peer, SpryWs, SpryWsOptions } from "@spry-ws/core";
import { describe, expect, it } from "vitest";
import type { Adapter } from "../fixtures/adapter.ts";
import { Client } from "../fixtures/client.ts";
import { Deferred } from "../fixtures/deferred.ts";
import { isPaused, paused } from "../fixtures/paused.ts";
import { frame, handshake, RawClient } from "../fixtures/raw.ts";
import { Recorder } from "../fixtures/recorder.ts";
import { serve } from "../fixtures/serve.ts";

/** What `peer.websocket` can be told to do, beside what the peer does. */
export function websocketMethodsSuite(adapter: Adapter): void {
  /** The frames a client gets when `act` has been called, as `opcode payload`, with `+` where the message goes on. */
  const framesOf = async (count: number, act: (peer: Peer, spry: SpryWs) => void): Promise<string[]> => {
    const recorder = new Recorder();
    await using app = await serve(adapter, { routes: { "/": { hooks: recorder.hooks() } } });
    using client = await RawClient.connect(app.port, handshake());
    await client.response();
    await recorder.until("open");
    act(recorder.peers[0] as Peer, app.spry);
    const frames: string[] = [];
    while (frames.length < count) {
      const { fin, opcode, payload } = await client.frame();
      const text = opcode === 8 ? `${payload.readUInt16BE(0)} ${payload.subarray(2)}` : String(payload);
      frames.push(`${opcode}${fin ? "" : "+"} ${text}`);
    }
    return frames;
  };

  /** A peer whose client may compress, and whose hook for messages waits until the gate is opened. */
  const gated = async (options: SpryWsOptions, isDeflated = false) => {
    const gate = new Deferred();
    const recorder = new Recorder();
    const hooks = recorder.hooks({ message: () => gate.promise });
    const app = await serve(adapter, { routes: { "/": { hooks } }, options });
    const client = await Client.open(app.url("/"), { perMessageDeflate: isDeflated && { threshold: 0 } });
    await recorder.until("open");
    const peer = recorder.peers[0] as Peer;
    const end = async (): Promise<void> => {
      client.socket.terminate();
      await app[Symbol.asyncDispose]();
    };
    return { app, client, gate, recorder, peer, [Symbol.asyncDispose]: end };
  };

  describe("what is sent through peer.websocket and by the peer", () => {
    it("arrives in the order of the calls, control frames included", async () => {
      const frames = await framesOf(12, (peer) => {
        const { websocket } = peer;
        peer.send("1");
        websocket.send("2");
        peer.send("3");
        websocket.ping("4");
        peer.send("5");
        peer.ping("6");
        peer.send("7");
        websocket.pong("8");
        peer.send("9");
        websocket.send(Buffer.from("10"));
        peer.send("11");
        websocket.close(4001, "end");
        expect(peer.send("too late")).toBe(false);
      });
      const expected = ["1 1", "1 2", "1 3", "9 4", "1 5", "9 6", "1 7", "10 8", "1 9", "2 10", "1 11"];
      expect(frames).toEqual([...expected, "8 4001 end"]);
    });

    it("arrives before the end that websocket.terminate() makes", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        open(peer) {
          peer.send("1");
          peer.websocket.send("2");
          peer.send("3");
          peer.websocket.terminate();
        },
      });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      await using client = await Client.open(app.url("/"));
      expect((await client.closed).code).toBe(1006);
      expect(await client.messages.take(3)).toEqual(["1", "2", "3"]);
      await recorder.until("close 1006");
    });

    it("is not mixed where a message is sent in fragments: only control frames come between them", async () => {
      const frames = await framesOf(10, (peer, spry) => {
        const { websocket } = peer;
        peer.subscribe("room");
        peer.send("before");
        websocket.send("a", { fin: false });
        expect(peer.send("x".repeat(1_000))).toBe(true);
        spry.publish("room", "y");
        expect(peer.bufferedAmount).toBeGreaterThan(1_000);
        expect(websocket.bufferedAmount).toBe(peer.bufferedAmount);
        websocket.ping("p");
        peer.ping("q");
        websocket.send("b", { fin: false });
        websocket.send("c", { fin: true });
        peer.send("z");
        websocket.send("last");
      });
      const expected = [
        "1 before",
        "1+ a",
        "9 p",
        "9 q",
        "0+ b",
        "0 c",
        `1 ${"x".repeat(1_000)}`,
        "1 y",
        "1 z",
      ];
      expect(frames).toEqual([...expected, "1 last"]);
    });

    it("may be closed between two fragments", async () => {
      const frames = await framesOf(2, (peer) => {
        peer.websocket.send("a", { fin: false });
        peer.send("never");
        void peer.close(4000);
      });
      expect(frames).toEqual(["1+ a", "8 4000 "]);
    });

    it("is bounded by sendBuffer also while it waits for the last fragment", async () => {
      const recorder = new Recorder();
      await using app = await serve(adapter, {
        routes: { "/": { hooks: recorder.hooks() } },
        options: { highWaterMarkBytes: 100, sendBuffer: { maxBytes: 1_000 } },
      });
      await using client = await Client.open(app.url("/"));
      await recorder.until("open");
      const peer = recorder.peers[0] as Peer;
      peer.websocket.send("a", { fin: false });
      const results = Array.from({ length: 5 }, () => peer.send("x".repeat(400)));
      expect(results).not.toContain(true);
      expect(await client.closed).toEqual({ code: 1013, reason: "too slow" });
    });

    it("counts for drained() and drain until it is written, also what waits for the last fragment", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({ drain: () => recorder.note("drain") });
      await using app = await serve(adapter, {
        routes: { "/": { hooks } },
        options: { highWaterMarkBytes: 100 },
      });
      await using client = await Client.open(app.url("/"));
      await recorder.until("open");
      const peer = recorder.peers[0] as Peer;
      peer.send("x".repeat(200));
      peer.websocket.send("a", { fin: false });
      expect(peer.send("y".repeat(400))).toBe(false);
      const drained = peer.drained().then(() => recorder.note(`drained ${peer.bufferedAmount}`));
      // What is in front has been written meanwhile.
      expect(await client.next()).toBe("x".repeat(200));
      recorder.note("last fragment");
      peer.websocket.send("b");
      await drained;
      expect(await client.messages.take(2)).toEqual(["ab", "y".repeat(400)]);
      expect(recorder.calls.slice(2)).toEqual(["last fragment", "drain", "drained 0"]);
    });

    it.each([true, false])(
      "arrives in order where it is compressed, with context takeover: %s",
      async (takeover) => {
        const recorder = new Recorder();
        const perMessageDeflate = { threshold: 0, serverNoContextTakeover: !takeover };
        await using app = await serve(adapter, {
          routes: { "/": { hooks: recorder.hooks({ open: (peer) => peer.subscribe("room") }) } },
          options: { perMessageDeflate },
        });
        await using client = await Client.open(app.url("/"), { perMessageDeflate: true });
        await recorder.until("open");
        const peer = recorder.peers[0] as Peer;
        const { websocket } = peer;
        const expected = Array.from({ length: 12 }, (_, i) => `${i} `.repeat(2_000));
        const [a, b, c, d, e, f, g, h, i, j, k, l] = expected as [string, ...string[]];
        peer.send(a);
        websocket.send(b as string);
        peer.send(c as string, { compress: false });
        websocket.send(d as string, { compress: false });
        app.spry.publish("room", e as string);
        websocket.send(f as string);
        websocket.send((g as string).slice(0, 100), { fin: false });
        peer.send(h as string);
        app.spry.publish("room", i as string);
        websocket.send((g as string).slice(100), { fin: true });
        peer.send(j as string, { compress: false });
        websocket.send(new Blob([k as string]), { binary: false });
        peer.send(l as string);
        websocket.close(4000);
        expect(await client.messages.take(12)).toEqual(expected);
        expect((await client.closed).code).toBe(4000);
      },
    );

    it("is told to the callbacks, also where it cannot be sent any more", async () => {
      const result = new Deferred<unknown[]>();
      await framesOf(5, (peer) => {
        const { websocket } = peer;
        const calls: unknown[] = [];
        const note = (name: string) => (error?: Error) => {
          calls.push(error ? `${name}: ${error.message}` : name);
          if (calls.length === 6) result.resolve(calls);
        };
        websocket.send("1", note("send"));
        websocket.send("2", { binary: true }, note("send with options"));
        websocket.ping("3", false, note("ping"));
        websocket.pong(note("pong"));
        websocket.close(4000);
        websocket.send("4", note("late send"));
        websocket.ping(note("late ping"));
      });
      const closing = "WebSocket is not open: readyState 2 (CLOSING)";
      const expected = ["send", "send with options", "ping", "pong"];
      expect(await result.promise).toEqual([...expected, `late send: ${closing}`, `late ping: ${closing}`]);
    });

    it("counts in bufferedAmount from the call on, on either side", async () => {
      const recorder = new Recorder();
      await using app = await serve(adapter, { routes: { "/": { hooks: recorder.hooks() } } });
      await using client = await Client.open(app.url("/"));
      await recorder.until("open");
      const peer = recorder.peers[0] as Peer;
      // More than the operating system takes at once.
      peer.send(Buffer.alloc(8_388_608));
      const before = peer.bufferedAmount;
      expect(before).toBeGreaterThan(0);
      expect(peer.websocket.bufferedAmount).toBe(before);
      peer.websocket.send(Buffer.alloc(100));
      expect(peer.bufferedAmount - before).toBeGreaterThanOrEqual(100);
      peer.send(Buffer.alloc(1_000));
      expect(peer.bufferedAmount - before).toBeGreaterThanOrEqual(1_100);
      expect(peer.websocket.bufferedAmount).toBe(peer.bufferedAmount);
      const sizes = (await client.messages.take(3)).map((data) => data.length);
      expect(sizes).toEqual([8_388_608, 100, 1_000]);
    });
  });

  it("takes the answers to websocket.ping() for what they are: they do not count against rateLimit", async () => {
    const recorder = new Recorder();
    await using app = await serve(adapter, {
      routes: { "/": { hooks: recorder.hooks() } },
      options: { rateLimit: { messages: 2, perMs: 60_000 } },
    });
    await using client = await Client.open(app.url("/"));
    await recorder.until("open");
    const peer = recorder.peers[0] as Peer;
    peer.websocket.on("pong", (data) => recorder.note(`pong ${data}`));
    for (const text of ["1", "2", "3"]) peer.websocket.ping(text);
    peer.ping("4");
    await recorder.until("pong 4");
    client.send("still here");
    await recorder.until("message still here");
  });

  describe("websocket.pause() and resume()", () => {
    const manyTurns = async (): Promise<void> => {
      for (let i = 0; i < 50; i++) await nextTurn();
    };

    it("stand, whatever the queue of the hook pauses and resumes", async () => {
      await using test = await gated({ maxQueuedMessages: 2 });
      const { websocket } = test.peer;
      for (let i = 0; i < 20; i++) test.client.send(String(i));
      await paused(test.peer);
      expect(websocket.isPaused).toBe(false);
      websocket.pause();
      expect(websocket.isPaused).toBe(true);
      test.gate.resolve();
      await manyTurns();
      expect(isPaused(test.peer)).toBe(true);
      test.client.send("last");
      await manyTurns();
      expect(test.recorder.calls).not.toContain("message last");
      websocket.resume();
      expect(websocket.isPaused).toBe(false);
      await test.recorder.until("message last");
    });

    it("do not make it read more than the hook can take", async () => {
      await using test = await gated({ maxQueuedMessages: 2 });
      const { websocket } = test.peer;
      for (let i = 0; i < 20; i++) test.client.send(String(i));
      await paused(test.peer);
      websocket.resume();
      websocket.pause();
      websocket.resume();
      await manyTurns();
      expect([isPaused(test.peer), websocket.isPaused]).toEqual([true, false]);
      test.gate.resolve();
      await test.recorder.until("message 19");
    });

    it("leave the queue its bound also where messages are decompressed", async () => {
      const gate = new Deferred();
      const recorder = new Recorder();
      await using app = await serve(adapter, {
        routes: { "/": { hooks: recorder.hooks({ message: () => gate.promise }) } },
        options: { maxQueuedMessages: 2, perMessageDeflate: true },
      });
      const headers = { "Sec-WebSocket-Extensions": "permessage-deflate; client_no_context_takeover" };
      using client = await RawClient.connect(app.port, handshake({ headers }));
      await client.response();
      await recorder.until("open");
      const [peer] = recorder.peers;
      expect([peer?.extensions, peer?.websocket.isPaused]).toEqual(["permessage-deflate", false]);
      const count = 500;
      const frames = Array.from({ length: count }, (_, i) =>
        compressedFrame(`${i} ${randomBytes(500).toString("base64")}`),
      );
      client.socket.write(Buffer.concat(frames));
      const receiver: Writable | null = Reflect.get(peer?.websocket ?? {}, "_receiver");
      const received = () => app.spry.metrics().messagesReceived;
      // `ws` pauses the socket while it decompresses a chunk, and resumes it then.
      while (received() === 0 || (receiver?.writableLength ?? 0) > 0) await nextTurn();
      const before = received();
      for (let i = 0; i < 2_000; i++) await nextTurn();
      expect([isPaused(peer), received()]).toEqual([true, before]);
      gate.resolve();
      await recorder.until(new RegExp(`^message ${count - 1} `));
    });

    it("do not keep a peer that closes from reading the client's answer", async () => {
      await using test = await gated({ closeTimeoutMs: 60_000 });
      test.peer.websocket.pause();
      await test.peer.close(4000);
      expect(test.recorder.calls.at(-1)).toBe("close 4000");
      expect(test.peer.websocket.isPaused).toBe(false);
    });
  });
}

/** A message that a client has compressed (RFC 7692 section 7.2.1). */
function compressedFrame(text: string): Buffer {
  const deflated = deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH });
  return frame(deflated.subarray(0, -4), { rsv: 4 });
}
