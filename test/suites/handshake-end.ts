import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Hooks } from "@spry-ws/core";
import { describe, expect, it } from "vitest";
import type { Adapter, AppSpec, Guard } from "../fixtures/adapter.ts";
import { Deferred } from "../fixtures/deferred.ts";
import { frame, handshake, RawClient } from "../fixtures/raw.ts";
import { Recorder } from "../fixtures/recorder.ts";
import { type RunningApp, serve } from "../fixtures/serve.ts";

/** The request and the response of a handshake, as middleware holds them, and what it is told of their end. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly events: string[];
  /** When both have emitted `close`. */
  readonly closed: Promise<void>;
}

export function handshakeEndSuite(adapter: Adapter): void {
  /** An app whose next request is watched: as for middleware, before anything has answered it. */
  async function watched(spec: AppSpec): Promise<{ app: RunningApp; exchange: Promise<Exchange> }> {
    const app = await serve(adapter, spec);
    await fetch(`http://127.0.0.1:${app.port}/`); // A server that is not known yet shows its first handshake twice.
    const exchange = new Deferred<Exchange>();
    app.server.prependOnceListener("request", (request, response) =>
      exchange.resolve(watch(request, response)),
    );
    return { app, exchange: exchange.promise };
  }

  /** An `upgrade` hook that waits, and the gate that it waits for. */
  function held(own: Hooks = {}): { recorder: Recorder; gate: Deferred; hooks: Hooks } {
    const recorder = new Recorder();
    const gate = new Deferred();
    const upgrade = async () => {
      await gate.promise;
      recorder.note("late");
      return undefined;
    };
    return { recorder, gate, hooks: recorder.hooks({ upgrade, ...own }) };
  }

  describe("the end of a handshake", () => {
    it("is told to what waits for the request and its response at the 101, as for any GET; the peer stays", async () => {
      const recorder = new Recorder();
      const { app, exchange } = await watched({ routes: { "/": { hooks: recorder.hooks() } } });
      await using _app = app;
      using client = await RawClient.connect(app.port, handshake());
      expect((await client.response()).status).toBe(101);
      const { closed, events } = await exchange;
      await closed;
      expect(events.toSorted()).toEqual([
        "request close",
        "request end",
        "response close",
        "response finish",
      ]);
      client.socket.write(frame("still here"));
      await recorder.until("message still here");
    });

    it.each<[string, string, number, Hooks, Guard | undefined]>([
      ["the upgrade hook", "/", 401, { upgrade: () => new Response("no", { status: 401 }) }, undefined],
      ["middleware", "/", 403, {}, async () => ({ status: 403 })],
      ["an unknown path", "/unknown", 404, {}, undefined],
    ])("is told where %s has refused it", async (_what, target, status, hooks, guard) => {
      const { app, exchange } = await watched({ routes: { "/": guard ? { hooks, guard } : { hooks } } });
      await using _app = app;
      using client = await RawClient.connect(app.port, handshake({ target }));
      expect((await client.response()).status).toBe(status);
      const { closed, events } = await exchange;
      await closed;
      expect(events.toSorted()).toEqual([
        "request close",
        "request end",
        "response close",
        "response finish",
      ]);
    });

    it.each<[string, number, (app: RunningApp) => void]>([
      ["that took too long", 408, () => {}],
      ["that shutdown has refused", 503, (app) => void app.spry.close()],
    ])("is told of one %s, while its hook is still at work", async (_what, status, act) => {
      const { recorder, gate, hooks } = held();
      const { app, exchange } = await watched({
        routes: { "/": { hooks } },
        options: { handshakeTimeoutMs: status === 408 ? 20 : 0 },
      });
      await using _app = app;
      using client = await RawClient.connect(app.port, handshake());
      await recorder.until("upgrade");
      act(app);
      expect((await client.response()).status).toBe(status);
      const { closed, events, response } = await exchange;
      await closed;
      expect(events).toEqual(expect.arrayContaining(["request close", "response close"]));
      // A stream that goes into it, events without end for one, stops.
      expect(response.destroyed).toBe(true);
      expect(response.write("more")).toBe(false);
      gate.resolve();
      await recorder.until("late");
      await new Promise((resolve) => setImmediate(resolve));
      expect(recorder.calls).not.toContain("open");
      expect(app.logged).toEqual([]);
    });

    it.each<[string, (client: RawClient) => void]>([
      ["resets the connection", (client) => client.reset()],
      ["ends its side", (client) => client.socket.end()],
    ])("comes as soon as the client %s: it is counted as aborted, and makes room", async (_how, leave) => {
      const { recorder, gate, hooks } = held();
      const { app, exchange } = await watched({
        routes: { "/": { hooks } },
        options: { maxPeersPerAddress: 1 },
      });
      await using _app = app;
      using client = await RawClient.connect(app.port, handshake());
      await recorder.until("upgrade");
      leave(client);
      const { closed, request } = await exchange;
      await closed;
      expect(request.destroyed).toBe(true);
      expect(app.spry.metrics()).toMatchObject({ aborted: 1, pendingHandshakes: 0, refused: { invalid: 0 } });
      using second = await RawClient.connect(app.port, handshake());
      await recorder.until("upgrade");
      gate.resolve();
      expect((await second.response()).status).toBe(101);
      await recorder.until("open");
      expect(recorder.calls.filter((call) => call === "open")).toHaveLength(1);
      expect(app.logged).toEqual([]);
    });
  });

  it("leaves the request of a neighbour's connection open for as long as the connection is", async () => {
    const { app, exchange } = await watched({ routes: {} });
    await using _app = app;
    app.server.on("upgrade", (_request, socket) =>
      socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
    );
    using client = await RawClient.connect(app.port, handshake({ target: "/unknown" }));
    expect((await client.response()).status).toBe(101);
    const { closed, request, response, events } = await exchange;
    if (!events.includes("response close")) await once(response, "close");
    expect(request.destroyed).toBe(false);
    client.reset();
    await closed;
  });

  describe("the body of a refusal", () => {
    /** A body without end, and when it is cancelled. */
    function endless(): { body: ReadableStream<Uint8Array>; cancelled: Promise<void>; pulls: () => number } {
      const cancelled = new Deferred();
      let pulls = 0;
      const body = new ReadableStream({
        async pull(controller) {
          pulls++;
          await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
          controller.enqueue(new Uint8Array(1024));
        },
        cancel: () => cancelled.resolve(),
      });
      return { body, cancelled: cancelled.promise, pulls: () => pulls };
    }

    it("is cancelled where it begins after the 408", async () => {
      const { body, cancelled, pulls } = endless();
      const { recorder, gate, hooks } = held({
        upgrade: async () => {
          await gate.promise;
          return new Response(body, { status: 403 });
        },
      });
      await using app = await serve(adapter, {
        routes: { "/": { hooks } },
        options: { handshakeTimeoutMs: 20 },
      });
      using client = await RawClient.connect(app.port, handshake());
      await recorder.until("upgrade");
      expect((await client.response()).status).toBe(408);
      gate.resolve();
      await cancelled;
      expect(pulls()).toBeLessThan(5);
      expect(app.logged).toEqual([]);
    });

    it("is cancelled where the 408 comes before its first bytes", async () => {
      const cancelled = new Deferred();
      const body = new ReadableStream({ cancel: () => cancelled.resolve() });
      const upgrade = () => new Response(body, { status: 403 });
      await using app = await serve(adapter, {
        routes: { "/": { hooks: { upgrade } } },
        options: { handshakeTimeoutMs: 20 },
      });
      using client = await RawClient.connect(app.port, handshake());
      expect((await client.response()).status).toBe(408);
      await cancelled.promise;
    });

    it.each<[string, (client: RawClient) => void]>([
      ["resets the connection", (client) => client.reset()],
      ["ends its side", (client) => client.socket.end()],
    ])("is cancelled where the client %s in the midst of it", async (_how, leave) => {
      const { body, cancelled } = endless();
      const upgrade = () => new Response(body, { status: 403 });
      await using app = await serve(adapter, { routes: { "/": { hooks: { upgrade } } } });
      using client = await RawClient.connect(app.port, handshake());
      await new Promise((resolve) => client.socket.once("data", resolve));
      leave(client);
      await cancelled;
    });
  });
}

function watch(request: IncomingMessage, response: ServerResponse): Exchange {
  const events: string[] = [];
  const note = (event: string) => () => void events.push(event);
  request.on("end", note("request end")).on("aborted", note("request aborted"));
  response.on("finish", note("response finish"));
  const closes = [
    ["request close", request],
    ["response close", response],
  ] as const;
  const closed = closes.map(
    ([event, one]) => new Promise<void>((resolve) => one.on("close", () => void resolve(note(event)()))),
  );
  return { request, response, events, closed: Promise.all(closed).then(() => {}) };
}
