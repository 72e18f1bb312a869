import { defineHooks, type Message, type Peer, type SpryWsOptions } from "@spry-ws/core";
import { describe, expect, it, vi } from "vitest";
import type { Adapter } from "../fixtures/adapter.ts";
import { Client } from "../fixtures/client.ts";
import { Deferred } from "../fixtures/deferred.ts";
import { heldGuard } from "../fixtures/held-guard.ts";
import { closeFrame, deflate, frame, handshake, RawClient } from "../fixtures/raw.ts";
import { Recorder } from "../fixtures/recorder.ts";
import { serve } from "../fixtures/serve.ts";

export function hostileSuite(adapter: Adapter): void {
  describe("no client takes the process down", () => {
    it("forgets a client that resets while the upgrade hook is pending (A1)", async () => {
      const gate = new Deferred();
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        async upgrade(event) {
          event.set("gone", true);
          await gate.promise;
          recorder.note("upgraded");
        },
      });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      using client = await RawClient.connect(app.port, handshake());
      await recorder.until("upgrade");
      client.reset();
      await app.disconnected();
      gate.resolve();
      await recorder.until("upgraded");
      await using neighbour = await Client.open(app.url("/"));
      neighbour.send("alive");
      await recorder.until("message alive");
      expect(recorder.calls.slice(0, 3)).toEqual(["upgrade", "upgraded", "upgrade"]);
      expect(recorder.calls.filter((call) => call === "open")).toHaveLength(1);
      expect(app.logged).toEqual([]);
    });

    it("forgets a client that resets while middleware is pending: no hook is called (A1)", async () => {
      const recorder = new Recorder();
      const { guard, release } = heldGuard(recorder, "guard");
      await using app = await serve(adapter, { routes: { "/": { hooks: recorder.hooks(), guard } } });
      using client = await RawClient.connect(app.port, handshake());
      await recorder.until("guard");
      client.reset();
      await app.disconnected();
      release();
      await using neighbour = await Client.open(app.url("/"));
      neighbour.send("alive");
      await recorder.until("message alive");
      expect(recorder.calls).toEqual(["guard", "guard", "upgrade", "open", "message alive"]);
      expect(app.logged).toEqual([]);
    });

    it("answers a handshake that is pipelined behind a slow request after that request", async () => {
      const recorder = new Recorder();
      const { guard, release } = heldGuard(recorder, "slow");
      const hooks = recorder.hooks({ message: (peer, message) => peer.send(message) });
      await using app = await serve(adapter, {
        routes: { "/slow": { text: "slow", guard }, "/": { hooks } },
      });
      await fetch(`http://127.0.0.1:${app.port}/`); // The server is known from now on.
      const request = "GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n";
      using client = await RawClient.connect(app.port, request + request + handshake());
      client.socket.write(frame("early"));
      await recorder.until("slow");
      release();
      expect((await client.response()).body).toBe("slow");
      expect((await client.response()).body).toBe("slow");
      expect((await client.response()).status).toBe(101);
      expect((await client.frame()).payload.toString()).toBe("early");
    });

    it("survives such a handshake as the first thing a server hears, and a reset while it waits", async () => {
      const recorder = new Recorder();
      const { guard, release } = heldGuard(recorder, "slow");
      await using app = await serve(adapter, {
        routes: { "/slow": { text: "slow", guard }, "/": { hooks: {} } },
      });
      using client = await RawClient.connect(
        app.port,
        `GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n${handshake()}`,
      );
      await recorder.until("slow");
      client.reset();
      await app.disconnected();
      release();
      await using neighbour = await Client.open(app.url("/"));
      expect(neighbour.socket.readyState).toBe(1);
    });

    it("serves a dozen pipelined requests for another protocol in order, and leaves no listener behind", async () => {
      await using app = await serve(adapter, { routes: { "/plain": { text: "plain" } } });
      // As long as nobody listens for upgrades, Node itself drops what is pipelined behind one.
      await fetch(`http://127.0.0.1:${app.port}/plain`);
      const headers = { Upgrade: "h2c", Connection: "Upgrade" };
      const text = handshake({ target: "/plain", headers }).repeat(12);
      const warning = vi.fn();
      process.on("warning", warning);
      using client = await RawClient.connect(app.port, text);
      for (let i = 0; i < 12; i++) expect((await client.response()).body).toBe("plain");
      await new Promise((resolve) => setImmediate(resolve));
      process.off("warning", warning);
      expect(warning.mock.calls.filter(([{ name }]) => name === "MaxListenersExceededWarning")).toEqual([]);
    });

    it("survives an unmasked frame right behind a handshake for a path nobody serves (A2)", async () => {
      await using app = await serve(adapter, { routes: {} });
      const bytes = Buffer.concat([
        Buffer.from(handshake({ target: "/nowhere" })),
        frame("x", { masked: false }),
      ]);
      using client = await RawClient.connect(app.port, bytes);
      expect((await client.response()).status).toBe(404);
      await client.ended();
    });

    it.each(["throws", "rejects", "returns a broken thenable", "returns what throws when looked at"])(
      "calls error and closes with 1011 where a message hook %s (A4)",
      async (how) => {
        const failure = (): never => {
          throw new Error("hook failed");
        };
        const recorder = new Recorder();
        const hooks = recorder.hooks({
          message() {
            if (how.startsWith("returns what")) return new Proxy({}, { get: failure, has: () => true });
            // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested
            if (how.startsWith("returns")) return { then: failure };
            return how === "rejects" ? Promise.reject(new Error("hook failed")) : failure();
          },
        });
        await using app = await serve(adapter, { routes: { "/": { hooks } } });
        await using client = await Client.open(app.url("/"));
        client.send("x");
        client.send("not delivered");
        expect((await client.closed).code).toBe(1011);
        await recorder.until("close 1011");
        expect(recorder.calls).toEqual(["upgrade", "open", "message x", "error", "close 1011"]);
        expect(recorder.errors).toMatchObject([{ message: "hook failed" }]);
        expect(app.logged).toEqual([]);
      },
    );

    it("logs through the framework where there is no error hook (A4)", async () => {
      const hooks = {
        message() {
          throw new Error("hook failed");
        },
      };
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      await using client = await Client.open(app.url("/"));
      client.send("x");
      expect((await client.closed).code).toBe(1011);
      expect(app.logged).toMatchObject([{ message: "hook failed" }]);
    });

    it.each(["throws", "rejects", "returns a broken thenable"])(
      "prints what an onError that %s did not take, and why",
      async (how) => {
        const failure = (): never => {
          throw new Error("onError failed");
        };
        const onError = (): unknown => {
          // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested
          if (how.startsWith("returns")) return { then: failure };
          return how === "rejects" ? Promise.reject(new Error("onError failed")) : failure();
        };
        const hooks = { open: () => Promise.reject(new Error("hook failed")) };
        const log = vi.spyOn(console, "error").mockImplementation(() => {});
        try {
          await using app = await serve(adapter, { routes: { "/": { hooks } }, options: { onError } });
          await using client = await Client.open(app.url("/"));
          expect((await client.closed).code).toBe(1011);
          await expect
            .poll(() => log.mock.calls.map(([error]) => String(error)))
            .toEqual(["Error: onError failed", "Error: hook failed"]);
        } finally {
          log.mockRestore();
        }
      },
    );

    it("survives an onError that rejects, whatever a client makes it take", async () => {
      const taken: string[] = [];
      const onError: SpryWsOptions["onError"] = async (error, { stage }) => {
        taken.push(`${stage}: ${(error as Error).message.slice(0, 19)}`);
        throw new Error("onError failed");
      };
      const hooks = {
        open: () => Promise.reject(new Error("open failed")),
        close() {
          throw new Error("close failed");
        },
      };
      const log = vi.spyOn(console, "error").mockImplementation(() => {});
      try {
        await using app = await serve(adapter, { routes: { "/": { hooks } }, options: { onError } });
        const headers = { Origin: "https://evil.example" };
        using foreign = await RawClient.connect(app.port, handshake({ headers }));
        expect((await foreign.response()).status).toBe(403);
        await using client = await Client.open(app.url("/"));
        expect((await client.closed).code).toBe(1011);
        const expected = ["handshake: Refused a WebSocket", "hook: open failed", "hook: close failed"];
        await expect.poll(() => taken).toEqual(expected);
        await expect.poll(() => log.mock.calls.length).toBe(2 * expected.length);
        await using neighbour = await Client.open(app.url("/"));
        expect((await neighbour.closed).code).toBe(1011);
      } finally {
        log.mockRestore();
      }
    });

    it("logs what the error hook itself throws or rejects with", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        open: () => Promise.reject(new Error("first")),
        error: () => Promise.reject(new Error("second")),
        close() {
          throw new Error("third");
        },
      });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      await using client = await Client.open(app.url("/"));
      expect((await client.closed).code).toBe(1011);
      await recorder.until("error");
      await recorder.until("error");
      expect(recorder.calls).toEqual(["upgrade", "open", "error", "close 1011", "error"]);
      expect(recorder.errors).toMatchObject([{ message: "first" }, { message: "third" }]);
      expect(app.logged[0]).toMatchObject({ message: "second" });
    });

    it("lets the error hook say goodbye and choose the close code", async () => {
      const hooks = defineHooks({
        open() {
          throw new Error("no");
        },
        error(peer) {
          peer.send("sorry");
          peer.close(4500, "own code");
        },
      });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      await using client = await Client.open(app.url("/"));
      expect(await client.next()).toBe("sorry");
      expect(await client.closed).toEqual({ code: 4500, reason: "own code" });
    });

    it("survives a bad frame after open has thrown, and forgets the peer (A5)", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        open() {
          throw new Error("open failed");
        },
      });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      using client = await RawClient.connect(app.port, handshake());
      await client.response();
      expect((await client.closeFrame()).code).toBe(1011);
      client.socket.end(frame("x", { masked: false }));
      await recorder.until(/^close/);
      expect(recorder.calls.slice(0, 3)).toEqual(["upgrade", "open", "error"]);
      expect(recorder.calls.filter((call) => call.startsWith("close"))).toHaveLength(1);
      expect(app.spry.peers.size).toBe(0);
    });

    it("survives what follows a wrong close frame behind messages that are being inflated", async () => {
      const recorder = new Recorder();
      const options = { perMessageDeflate: true };
      await using app = await serve(adapter, { routes: { "/": { hooks: recorder.hooks() } }, options });
      const headers = { "Sec-WebSocket-Extensions": "permessage-deflate" };
      using client = await RawClient.connect(app.port, handshake({ headers }));
      expect((await client.response()).headers["sec-websocket-extensions"]).toContain("permessage-deflate");
      // Little to read and much to inflate: what comes meanwhile comes in chunks of its own, which wait.
      const compressed = frame(deflate(Buffer.alloc(1_000_000)), { opcode: 2, rsv: 4 });
      client.socket.write(Buffer.concat(Array(12).fill(compressed)));
      for (const late of [closeFrame(1005), frame("behind it"), frame("more")]) {
        await new Promise((resolve) => setTimeout(resolve, 2));
        client.socket.write(late);
      }
      expect((await client.closeFrame()).code).toBe(1002);
      await recorder.until("error");
      expect(recorder.errors).toMatchObject([{ code: "WS_ERR_INVALID_CLOSE_CODE" }]);
      expect(app.spry.metrics().messagesReceived).toBe(12);
      await using neighbour = await Client.open(app.url("/"));
      expect(neighbour.socket.readyState).toBe(1);
    });

    it("survives a reset of an open connection", async () => {
      const recorder = new Recorder();
      await using app = await serve(adapter, { routes: { "/": { hooks: recorder.hooks() } } });
      using client = await RawClient.connect(app.port, handshake());
      await client.response();
      client.reset();
      await recorder.until("close 1006");
      expect(recorder.calls).toEqual(["upgrade", "open", "close 1006"]);
    });

    it("cuts a close reason that is too long at the end of a character (A6)", async () => {
      const hooks = { open: (peer: Peer) => void peer.close(4000, "€".repeat(100)) };
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      await using client = await Client.open(app.url("/"));
      expect(await client.closed).toEqual({ code: 4000, reason: "€".repeat(41) });
    });

    it.each([null, 5])("refuses the close reason %s before anything is done", async (reason) => {
      const hooks = {
        message(peer: Peer, message: Message) {
          try {
            void peer.close(4000, reason as never);
          } catch (error) {
            peer.send(`${message} ${error instanceof TypeError}`);
          }
        },
      };
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      await using client = await Client.open(app.url("/"));
      for (const text of ["still open", "still heard"]) {
        client.send(text);
        expect(await client.next()).toBe(`${text} true`);
      }
      expect(() => app.spry.close({ reason: reason as never })).toThrow(TypeError);
    });

    it.each([1004, 1005, 1006, 1015, 999, 2999, 5000, 1000.5])(
      "refuses the close code %s before anything is sent",
      async (code) => {
        const recorder = new Recorder();
        const hooks = recorder.hooks({
          open(peer) {
            try {
              void peer.close(code);
            } catch (error) {
              peer.send(`still open, ${error instanceof RangeError}`);
            }
          },
        });
        await using app = await serve(adapter, { routes: { "/": { hooks } } });
        await using client = await Client.open(app.url("/"));
        expect(await client.next()).toBe("still open, true");
        expect(recorder.errors).toEqual([]);
      },
    );
  });
}
