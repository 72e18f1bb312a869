import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";
import type { Hooks, Peer } from "@spry-ws/core";
import { describe, expect, it } from "vitest";
import type { Adapter } from "../fixtures/adapter.ts";
import { Client } from "../fixtures/client.ts";
import { frame, handshake, RawClient } from "../fixtures/raw.ts";
import { Recorder } from "../fixtures/recorder.ts";
import { serve } from "../fixtures/serve.ts";

export function observeSuite(adapter: Adapter): void {
  describe("observability", () => {
    it("counts what happens", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        open: (peer) => peer.subscribe("room"),
        message(peer, message) {
          if (message.text() === "fail") throw new Error("hook failed");
          peer.send("four");
        },
      });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      await using client = await Client.open(app.url("/"));
      client.send("three");
      await client.next();
      expect(app.spry.metrics()).toEqual({
        peers: 1,
        pendingHandshakes: 0,
        topics: 1,
        listeners: 0,
        bufferedBytes: 0,
        accepted: 1,
        aborted: 0,
        forwarded: 0,
        messagesReceived: 1,
        bytesReceived: 5,
        messagesSent: 1,
        bytesSent: 4,
        messagesDropped: 0,
        backplaneConnected: false,
        backplaneBufferedBytes: 0,
        backplanePublished: 0,
        backplaneReceived: 0,
        backplaneDropped: 0,
        service: {},
        histograms: [],
        refused: expect.objectContaining({ invalid: 0, framework: 0 }),
        terminated: expect.objectContaining({ hookError: 0, protocolError: 0 }),
      });
      client.send("fail");
      await recorder.until("close 1011");
      using invalid = await RawClient.connect(app.port, handshake({ method: "POST" }));
      await invalid.response();
      using unknown = await RawClient.connect(app.port, handshake({ target: "/unknown" }));
      await unknown.response();
      using violator = await RawClient.connect(
        app.port,
        Buffer.concat([Buffer.from(handshake()), frame("x", { masked: false })]),
      );
      await violator.closeFrame();
      expect(app.spry.metrics()).toMatchObject({
        refused: { invalid: 1, framework: 1 },
        terminated: { hookError: 1, protocolError: 1 },
      });
    });

    const endings: ["message" | "open", string, (peer: Peer) => void, number][] = [
      ["message", "closes the peer itself", (peer) => void peer.close(4500), 4500],
      ["message", "terminates the peer", (peer) => peer.terminate(), 1006],
      ["open", "leaves that to the server", () => {}, 1011],
    ];
    it.each(endings)(
      "counts a failed %s hook once where the error hook %s",
      async (hook, _what, error, code) => {
        const recorder = new Recorder();
        const fail = (): never => {
          throw new Error("hook failed");
        };
        const hooks: Hooks = recorder.hooks({ [hook]: fail, error });
        await using app = await serve(adapter, { routes: { "/": { hooks } } });
        await using client = await Client.open(app.url("/"));
        client.send("x");
        await recorder.until(`close ${code}`);
        expect(app.spry.metrics().terminated).toMatchObject({ hookError: 1 });
      },
    );

    it("counts one reason for each connection the server ends, and none for those that go", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        message() {
          throw new Error("hook failed");
        },
        close() {
          throw new Error("close failed");
        },
      });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      using violator = await RawClient.connect(app.port, handshake());
      await violator.response();
      violator.socket.write(Buffer.concat([frame("x"), frame("y", { masked: false })]));
      await recorder.until(/^close/);
      const leaver = await Client.open(app.url("/"));
      leaver.socket.close(1000);
      await recorder.until("close 1000");
      await recorder.until("error");
      const { terminated } = app.spry.metrics();
      expect(Object.values(terminated).reduce((sum, count) => sum + count)).toBe(1);
      expect(terminated.hookError).toBe(1);
    });

    it("renders OpenMetrics text", async () => {
      await using app = await serve(adapter, { routes: { "/": { hooks: {} } } });
      await using _client = await Client.open(app.url("/"));
      const lines = app.spry.metricsText().split("\n");
      expect(lines).toContain("# TYPE spry_ws_peers gauge");
      expect(lines).toContain("spry_ws_peers 1");
      expect(lines).toContain("spry_ws_handshakes_accepted_total 1");
      expect(lines).toContain('spry_ws_handshakes_refused_total{reason="origin"} 0');
      expect(lines.slice(-2)).toEqual(["# EOF", ""]);
      for (const line of lines.slice(0, -2)) {
        expect(line).toMatch(/^(# (TYPE|HELP) spry_ws_\w+ .+|spry_ws_\w+(\{\w+="\w+"\})? \d+)$/);
      }
    });

    it("measures hooks and handshakes by the path that the user has written, where that is known", async () => {
      const hooks = { message: (peer: Peer) => void peer.send("answer") };
      const path = adapter.hasFramework ? "/rooms/:room" : "/";
      await using app = await serve(adapter, {
        options: { histograms: true },
        routes: { [path]: { hooks } },
      });
      for (const room of adapter.hasFramework ? ["/rooms/1", "/rooms/2"] : ["/", "/"]) {
        await using client = await Client.open(app.url(room));
        client.send("x");
        await client.next();
      }
      const route = adapter.hasFramework ? path : "other";
      const counted = app.spry
        .metrics()
        .histograms.map(({ name, labels, counts }) => [name, labels, counts.at(-1)]);
      expect(counted).toEqual([
        ["handshake_seconds", { route, outcome: "accepted" }, 2],
        ["hook_seconds", { route, hook: "message" }, 2],
      ]);
    });

    it("publishes to diagnostics channels what an observer asks for", async () => {
      const seen: string[] = [];
      const recorder = new Recorder();
      const names = ["handshake", "refused", "open", "message", "close", "error"];
      await using app = await serve(adapter, {
        routes: {
          "/": { hooks: recorder.hooks({ message: () => Promise.reject(new Error("hook failed")) }) },
        },
      });
      const isOurs = (event: object): boolean =>
        "peer" in event
          ? recorder.peers.length === 0 || recorder.peers.includes(event.peer as Peer)
          : "request" in event &&
            (event.request as { socket: { localPort?: number } }).socket.localPort === app.port;
      const listeners = names.map((name) => {
        const listener = (event: unknown): void => {
          if (isOurs(event as object)) seen.push(name);
        };
        subscribe(`spry-ws:${name}`, listener);
        return () => unsubscribe(`spry-ws:${name}`, listener);
      });
      await using client = await Client.open(app.url("/"));
      client.send("x");
      await recorder.until("close 1011");
      using refused = await RawClient.connect(app.port, handshake({ method: "POST" }));
      await refused.response();
      for (const stop of listeners) stop();
      expect(seen).toEqual(["handshake", "open", "message", "error", "close", "handshake", "refused"]);
    });

    it("publishes what upgrade threw, with its request", async () => {
      const seen: unknown[] = [];
      const upgrade = () => Promise.reject(new Error("no database"));
      await using app = await serve(adapter, { routes: { "/": { hooks: { upgrade } } } });
      const note = (event: unknown) => {
        const { request, ...rest } = event as { request: IncomingMessage };
        if (request.socket.localPort === app.port) seen.push({ url: request.url, ...rest });
      };
      subscribe("spry-ws:error", note);
      using client = await RawClient.connect(app.port, handshake({ target: "/?a=1" }));
      await client.response();
      unsubscribe("spry-ws:error", note);
      expect(seen).toMatchObject([{ url: "/?a=1", error: { message: "no database" } }]);
    });

    it("has the async context of the request in every hook (E7)", async () => {
      const storage = new AsyncLocalStorage<string>();
      const recorder = new Recorder();
      const note = (name: string) => (): void => recorder.note(`${name} in ${storage.getStore()}`);
      const guard = (): undefined => {
        storage.enterWith("request");
        return undefined;
      };
      const hooks = {
        upgrade: note("upgrade"),
        open: note("open"),
        message(_peer: Peer, message: { text(): string }) {
          note("message")();
          if (message.text() === "2") throw new Error("hook failed");
        },
        error: note("error"),
        close: note("close"),
      };
      await using app = await serve(adapter, { routes: { "/": { hooks, guard } } });
      await using client = await Client.open(app.url("/"));
      client.send("1");
      client.send("2");
      await recorder.until(/^close/);
      expect(recorder.calls).toEqual(
        ["upgrade", "open", "message", "message", "error", "close"].map((name) => `${name} in request`),
      );
    });
  });
}
