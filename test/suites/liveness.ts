import type { Socket } from "node:net";
import type { Peer, SpryWsOptions } from "@spry-ws/core";
import { describe, expect, it, vi } from "vitest";
import type { Adapter } from "../fixtures/adapter.ts";
import { Client } from "../fixtures/client.ts";
import { Deferred } from "../fixtures/deferred.ts";
import { closeFrame, frame, handshake, RawClient } from "../fixtures/raw.ts";
import { readSlowly } from "../fixtures/read-slowly.ts";
import { Recorder } from "../fixtures/recorder.ts";
import { type RunningApp, serve } from "../fixtures/serve.ts";

export function livenessSuite(adapter: Adapter): void {
  const heartbeat = { intervalMs: 60, timeoutMs: 60 };

  describe("heartbeat", () => {
    it("terminates a peer that answers no ping: close is called with 1006 (E5)", async () => {
      const recorder = new Recorder();
      await using app = await serve(adapter, {
        routes: { "/": { hooks: recorder.hooks() } },
        options: { heartbeat },
      });
      using client = await RawClient.connect(app.port, handshake());
      await client.response();
      expect((await client.frame()).opcode).toBe(9);
      await recorder.until("close 1006");
      expect(app.spry.metrics()).toMatchObject({ peers: 0, terminated: { heartbeat: 1 } });
    });

    it("leaves alone a peer that answers its pings, and knows the latency from them", async () => {
      const recorder = new Recorder();
      await using app = await serve(adapter, {
        routes: { "/": { hooks: recorder.hooks() } },
        options: { heartbeat },
      });
      await using client = await Client.open(app.url("/"));
      for (let i = 0; i < 3; i++) await new Promise((resolve) => client.socket.once("ping", resolve));
      expect(client.socket.readyState).toBe(1);
      expect(recorder.peers[0]?.latencyMs).toBeGreaterThan(0);
    });

    it("takes any byte for a sign of life, and pings nobody who sends", async () => {
      await using run = await withFakeTicks(adapter);
      using client = await run.connect();
      for (const byte of frame("slowly written")) {
        const received = run.bytesRead() + 1;
        client.socket.write(Buffer.from([byte]));
        await expect.poll(run.bytesRead).toBe(received);
        run.pass(20_000);
      }
      expect(await run.opcodes(client)).toEqual([1]);
      expect(run.recorder.calls).toContain("message slowly written");
    });

    it.each([
      [20_000, [1]],
      [30_000, [9, 1]],
      [33_000, [9, 1]],
    ])("has sent a silent peer, after %i ms, frames with the opcodes %j", async (ms, opcodes) => {
      await using run = await withFakeTicks(adapter);
      using client = await run.connect();
      run.pass(ms);
      expect(await run.opcodes(client)).toEqual(opcodes);
      expect(run.app.spry.metrics().terminated.heartbeat).toBe(0);
    });

    it("goes on when peers come after the last one has gone", async () => {
      await using run = await withFakeTicks(adapter);
      using first = await run.connect();
      run.pass(10_000);
      first.reset();
      await run.recorder.until("close 1006");
      run.pass(10_000);
      using second = await run.connect();
      run.pass(20_000);
      expect(run.app.spry.metrics().peers).toBe(1);
      run.pass(10_000);
      expect(await run.opcodes(second)).toEqual([9, 1]);
    });

    it("gives a peer the time to answer that the process itself has lost", async () => {
      await using run = await withFakeTicks(adapter);
      using _client = await run.connect();
      run.pass(28_000);
      run.loseTime(60_000);
      run.pass(8_000);
      expect(run.app.spry.metrics().terminated.heartbeat).toBe(0);
      run.pass(4_000);
      expect(run.app.spry.metrics().terminated.heartbeat).toBe(1);
    });

    it("leaves the time for the answer to a close frame to closeTimeoutMs", async () => {
      await using run = await withFakeTicks(adapter, { closeTimeoutMs: 120_000 });
      using client = await run.connect();
      void run.recorder.peers[0]?.close(4000);
      run.pass(60_000);
      client.socket.end(closeFrame(4000));
      await run.recorder.until("close 4000");
      expect(run.app.spry.metrics().terminated.heartbeat).toBe(0);
    });

    it("does not hold it against a peer that its socket is paused for a slow hook", async () => {
      const gate = new Deferred();
      const recorder = new Recorder();
      const hooks = recorder.hooks({ message: () => gate.promise });
      const options = { heartbeat: { intervalMs: 20, timeoutMs: 20 }, maxQueuedMessages: 1 };
      await using app = await serve(adapter, { routes: { "/": { hooks } }, options });
      await using client = await Client.open(app.url("/"));
      for (const text of ["1", "2", "3"]) client.send(text);
      await recorder.until("message 1");
      await new Promise((resolve) => setTimeout(resolve, 150));
      gate.resolve();
      await recorder.until("message 3");
      expect(client.socket.readyState).toBe(1);
    });

    describe("where the socket is paused for a hook that waits for drained()", () => {
      const part = Buffer.alloc(1_048_576);
      const hooks = (recorder: Recorder) =>
        recorder.hooks({
          message: async (peer) => {
            while (peer.readyState === 1 && peer.send(part)) {}
            await peer.drained();
          },
        });
      const options = { heartbeat: { intervalMs: 150, timeoutMs: 150 }, maxQueuedMessages: 1 };

      it("terminates a peer that reads nothing", async () => {
        const recorder = new Recorder();
        await using app = await serve(adapter, { routes: { "/": { hooks: hooks(recorder) } }, options });
        using client = await RawClient.connect(app.port, handshake());
        await client.response();
        client.socket.pause();
        for (let i = 0; i < 100; i++) client.socket.write(frame("more"));
        await recorder.until("close 1006");
        expect(app.spry.metrics().terminated.heartbeat).toBe(1);
      });

      it("leaves alone one that reads slowly", async () => {
        const recorder = new Recorder();
        await using app = await serve(adapter, { routes: { "/": { hooks: hooks(recorder) } }, options });
        using client = await RawClient.connect(app.port, handshake());
        await client.response();
        client.socket.removeAllListeners("data").pause();
        for (let i = 0; i < 100; i++) client.socket.write(frame("more"));
        for (const end = Date.now() + 700; Date.now() < end; ) {
          client.socket.read();
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
        expect(app.spry.metrics()).toMatchObject({ peers: 1, terminated: { heartbeat: 0 } });
      });
    });

    it("has ended a silent peer after an hour by default", async () => {
      await using run = await withFakeTicks(adapter);
      using _client = await run.connect();
      run.pass(3_600_000);
      await run.recorder.until("close 1006");
      expect(run.app.spry.metrics().terminated.heartbeat).toBe(1);
    });

    it("can be switched off: then a silent peer has not even been pinged after an hour", async () => {
      await using run = await withFakeTicks(adapter, { heartbeat: false });
      using client = await run.connect();
      run.pass(3_600_000);
      expect(await run.opcodes(client)).toEqual([1]);
      expect(run.app.spry.metrics()).toMatchObject({ peers: 1, terminated: { heartbeat: 0 } });
    });
  });

  describe("a peer that reads slowly", () => {
    const message = Buffer.alloc(65_532);
    const count = 128;
    const total = count * (message.length + 4);
    const bytesPerMs = 4_000;
    // What is sent lasts for two seconds, the half of it in the buffers of the operating system.
    const timeouts = { heartbeat: { intervalMs: 400, timeoutMs: 400 }, closeTimeoutMs: 400 };

    /** Sends much and then does something, when the client says so. */
    const sendingHooks = (recorder: Recorder, then: (peer: Peer) => unknown) =>
      recorder.hooks({
        message(peer, { byteLength }) {
          if (byteLength > 2) return;
          for (let i = 0; i < count; i++) peer.send(message);
          then(peer);
        },
      });
    const connect = async (app: { port: number }) => {
      const client = await RawClient.connect(app.port, handshake());
      await client.response();
      return client;
    };

    it("is there, though its answers to pings wait behind what it reads", async () => {
      const recorder = new Recorder();
      const hooks = sendingHooks(recorder, () => {});
      await using app = await serve(adapter, { routes: { "/": { hooks } }, options: timeouts });
      using client = await connect(app);
      client.socket.write(frame("go"));
      expect((await readSlowly(client, total, bytesPerMs)).count).toBeGreaterThanOrEqual(total);
      expect(app.spry.metrics()).toMatchObject({ peers: 1, terminated: { heartbeat: 0 } });
    });

    it("gets all that was sent, and the close frame, and then has the time to answer", async () => {
      const recorder = new Recorder();
      const hooks = sendingHooks(recorder, (peer) => void peer.close(4000));
      await using app = await serve(adapter, { routes: { "/": { hooks } }, options: timeouts });
      using client = await connect(app);
      client.socket.write(frame("go"));
      const { last } = await readSlowly(client, total + 4, bytesPerMs);
      expect(last.subarray(-4)).toEqual(Buffer.from([0x88, 2, 4000 >> 8, 4000 & 0xff]));
      client.socket.write(closeFrame(4000));
      await recorder.until("close 4000");
    });

    it("gets all that was sent, and the answer, where it closes itself", async () => {
      const recorder = new Recorder();
      const hooks = sendingHooks(recorder, () => {});
      await using app = await serve(adapter, { routes: { "/": { hooks } }, options: timeouts });
      using client = await connect(app);
      client.socket.write(Buffer.concat([frame("go"), closeFrame(4001)]));
      const { count: read, last } = await readSlowly(client, total + 4, bytesPerMs);
      expect(read).toBe(total + 4);
      expect(last.subarray(-4)).toEqual(Buffer.from([0x88, 2, 4001 >> 8, 4001 & 0xff]));
      client.socket.end();
      await recorder.until("close 4001");
    });

    it.each([
      ["reads nothing", { reads: false, sends: false }],
      ["reads nothing but goes on sending", { reads: false, sends: true }],
      ["reads, and goes on sending instead of answering", { reads: true, sends: true }],
    ])("is given up after a close frame where it %s", async (_what, { reads, sends }) => {
      const recorder = new Recorder();
      const hooks = sendingHooks(recorder, (peer) => void peer.close(4000));
      const options = { closeTimeoutMs: 100 };
      await using app = await serve(adapter, { routes: { "/": { hooks } }, options });
      using client = await connect(app);
      client.socket.write(frame("go"));
      if (!reads) client.socket.pause();
      const timer = setInterval(() => sends && client.socket.write(frame("more")), 5);
      await recorder.until("close 1006");
      clearInterval(timer);
    });
  });

  describe("expiry of credentials", () => {
    it("closes the peer with 3000 when they expire", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({ upgrade: () => ({ expiresAt: new Date(Date.now() + 30) }) });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      await using client = await Client.open(app.url("/"));
      expect(await client.closed).toEqual({ code: 3000, reason: "credentials expired" });
      await recorder.until("close 3000 credentials expired");
      expect(app.spry.metrics().terminated.expired).toBe(1);
    });

    it("waits until then where renew postpones it", async () => {
      const started = Date.now();
      const hooks = {
        upgrade: () => ({ expiresAt: started + 50, context: 1 }),
        open: (peer: { renew(at: number): void }) => peer.renew(started + 150),
      };
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      await using client = await Client.open(app.url("/"));
      expect((await client.closed).code).toBe(3000);
      expect(Date.now() - started).toBeGreaterThanOrEqual(149);
    });

    it("says what expiresAt is where it is something else", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({ open: (peer) => peer.renew(new Date("never")) });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      await using _client = await Client.open(app.url("/"));
      await recorder.until("error");
      expect(recorder.errors).toMatchObject([
        { code: "SPRY_WS_EXPIRY", message: expect.stringContaining("exp * 1000") },
      ]);
    });
  });
}

interface FakeTicks extends AsyncDisposable {
  readonly app: RunningApp;
  readonly recorder: Recorder;
  pass(ms: number): void;
  /** Time passes while the process does nothing, not even look after its timers. */
  loseTime(ms: number): void;
  connect(): Promise<RawClient>;
  /** What the server has read of the last client. */
  bytesRead(): number;
  /** Of the frames that were sent to the last client, up to the message that this sends. */
  opcodes(client: RawClient): Promise<number[]>;
}

/** An app for which time passes when the test says so: what the heartbeat goes by, and nothing of Node's, which has its own timers. */
async function withFakeTicks(adapter: Adapter, options: SpryWsOptions = {}): Promise<FakeTicks> {
  let time = 1_000;
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const clock = vi.spyOn(performance, "now").mockImplementation(() => time);
  const recorder = new Recorder();
  const app = await serve(adapter, { routes: { "/": { hooks: recorder.hooks() } }, options });
  const sockets: Socket[] = [];
  app.server.on("connection", (socket) => sockets.push(socket));
  return {
    app,
    recorder,
    pass(ms) {
      for (const end = time + ms; time < end; ) {
        time += 1_000;
        vi.advanceTimersByTime(1_000);
      }
    },
    loseTime(ms) {
      time += ms;
    },
    async connect() {
      const client = await RawClient.connect(app.port, handshake());
      await client.response();
      return client;
    },
    bytesRead: () => sockets.at(-1)?.bytesRead ?? 0,
    async opcodes(client) {
      recorder.peers.at(-1)?.send("end");
      const opcodes: number[] = [];
      while (opcodes.at(-1) !== 1) opcodes.push((await client.frame()).opcode);
      return opcodes;
    },
    async [Symbol.asyncDispose]() {
      clock.mockRestore();
      vi.useRealTimers();
      await app[Symbol.asyncDispose]();
    },
  };
}
