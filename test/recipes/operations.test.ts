import { type ChannelListener, subscribe, unsubscribe } from "node:diagnostics_channel";
import Router from "@koa/router";
import { type Hooks, type SpryWs, type spryWs as spryWsExpress, ws as wsExpress } from "@spry-ws/express";
import { ws as wsKoa } from "@spry-ws/koa";
import { connect, refused } from "@spry-ws/testing";
import express, { type RequestHandler } from "express";
import { fastify } from "fastify";
import Koa from "koa";
import { expect, it, onTestFinished, vi } from "vitest";
import { expressFive } from "../adapters/express.ts";
import { listen } from "../fixtures/listen.ts";
import { serve } from "../fixtures/serve.ts";
import { describePage } from "./page.ts";

describePage("docs/guide/observability.md", (recipe) => {
  const contentType = "application/openmetrics-text; version=1.0.0; charset=utf-8";

  async function showsMetrics(url: string): Promise<void> {
    await using client = await connect(url, "/feed");
    await client.ping();
    const response = await fetch(`${url}/metrics`);
    expect(response.headers.get("content-type")).toBe(contentType);
    expect(await response.text()).toMatch(/^spry_ws_peers 1$/m);
  }

  recipe("Prometheus [Express]", (run) => {
    it("shows the metrics", async () => {
      const app = express();
      await run({ give: { app } });
      app.ws("/feed", {});
      await using server = await listen(app);
      await showsMetrics(server.httpUrl(""));
    });
  });

  recipe("Prometheus [Fastify]", (run) => {
    it("shows the metrics", async () => {
      await using app = fastify();
      await run({ give: { app } });
      app.ws("/feed", {});
      await showsMetrics(await app.listen({ port: 0, host: "127.0.0.1" }));
    });
  });

  recipe("Prometheus [Koa]", (run) => {
    it("shows the metrics", async () => {
      const app = new Koa();
      const router = new Router();
      const { spry } = (await run<{ spry: SpryWs }>({ give: { app, router }, take: ["spry"] })).names;
      router.get("/feed", wsKoa({}));
      app.use(router.routes());
      await using server = await listen(app.callback());
      spry.attach(server.server);
      await showsMetrics(server.httpUrl(""));
    });
  });

  recipe("Histograms", (run) => {
    it("shows how long hooks took, by route", async () => {
      const { spry } = (await run<{ spry: SpryWs & RequestHandler }>({ take: ["spry"] })).names;
      const app = express();
      app.use(spry);
      app.get("/rooms/:room", wsExpress({ open() {} }));
      await using server = await listen(app);
      await using client = await connect(server.httpUrl(""), "/rooms/1");
      await client.ping();
      expect(spry.metricsText()).toMatch(
        /^spry_ws_hook_seconds_count\{route="\/rooms\/:room",hook="open"\} 1$/m,
      );
    });
  });

  recipe("Diagnostics channels", (run) => {
    it("logs each connection that ends", async () => {
      const running = await run({
        // It is for the whole process, and so for the other tests.
        replace: { 'import { subscribe } from "node:diagnostics_channel";': "" },
        give: {
          subscribe(name: string, onMessage: ChannelListener) {
            subscribe(name, onMessage);
            onTestFinished(() => void unsubscribe(name, onMessage));
          },
        },
      });
      await using app = await serve(expressFive, { routes: { "/": { hooks: {} } } });
      const client = await connect(app.server);
      await client.close(4000, "enough");
      await vi.waitFor(() => expect(running.printed).toHaveLength(1));
      expect(JSON.parse(running.printed[0] ?? "")).toEqual({
        event: "ws close",
        id: expect.stringMatching(/^[\da-f-]{36}$/),
        address: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        code: 4000,
        reason: "enough",
      });
    });
  });
});

describePage("docs/guide/troubleshooting.md", (recipe) => {
  recipe("Nothing is logged", (run) => {
    it("logs what hooks throw, with the stage", async () => {
      const app = express();
      app.set("env", "test");
      const running = await run({ give: { app } });
      app.ws("/", {
        open() {
          throw new Error("a bug");
        },
      });
      await using client = await connect(app);
      expect((await client.closed).code).toBe(1011);
      expect(running.printed).toEqual([expect.stringMatching(/^hook Error: a bug/)]);
    });
  });
});

describePage("SECURITY.md", (recipe) => {
  recipe("Bounds", (run) => {
    it("bounds what one address and one client may do", async () => {
      const { spry } = (await run<{ spry: ReturnType<typeof spryWsExpress> }>({ take: ["spry"] })).names;
      const app = express();
      app.use(spry);
      app.ws("/", {});
      await using first = await connect(app);
      const others = await Promise.all(Array.from({ length: 49 }, () => connect(app)));
      expect((await refused(app)).status).toBe(429);
      for (let i = 0; i < 101; i++) first.send("x");
      expect((await first.closed).code).toBe(1008);
      for (const client of others) await client.terminate();
    });
  });
});

describePage("docs/reference/errors.md", (recipe) => {
  recipe("Errors", (run) => {
    it("tells a hook that sends what is no message from other errors", async () => {
      const running = await run<{ feed: Hooks }>({ take: ["feed"] });
      const hooks: Hooks = {
        ...running.names.feed,
        message(peer, message) {
          if (message.text() === "an object") Reflect.apply(peer.send, peer, [{}]);
          throw new Error("another");
        },
      };
      await using app = await serve(expressFive, { routes: { "/": { hooks } } });
      for (const text of ["something", "an object"]) {
        await using client = await connect(app.server);
        client.send(text);
        await client.closed;
      }
      expect(running.printed).toEqual([
        expect.stringMatching(/^a hook sent what is no message .*SPRY_WS_DATA/s),
      ]);
    });
  });
});

describePage("docs/reference/options.md", (recipe) => {
  type Names = { spry: ReturnType<typeof spryWsExpress> };

  recipe("Options", (run) => {
    it("takes the options, and bounds what a client may do by them", async () => {
      const { spry } = (await run<Names>({ take: ["spry"] })).names;
      const app = express();
      app.use(spry);
      app.ws("/", {});
      await using client = await connect(app, "/", { headers: { origin: "https://app.example" } });
      client.send("x".repeat(65_537));
      expect((await client.closed).code).toBe(1009);
      const headers = { origin: "https://evil.example" };
      expect((await refused(app, "/", { headers })).status).toBe(403);
    });
  });

  recipe("releaseRequest", (run) => {
    it("knows the user in later hooks", async () => {
      const { spry, chat } = (await run<Names & { chat: Hooks }>({ take: ["spry", "chat"] })).names;
      const app = express();
      app.use(spry);
      app.ws("/chat", { ...chat, open: (peer) => peer.subscribe("chat") });
      await using server = await listen(app);
      await using listener = await connect(server.httpUrl(""), "/chat");
      await using speaker = await connect(server.httpUrl(""), "/chat", { headers: { "x-user": "ada" } });
      speaker.send("hello");
      expect(await listener.text()).toBe("ada: hello");
    });
  });

  recipe("shutdown", (run) => {
    it("closes with that code and reason", async () => {
      const { spry } = (await run<Names>({ take: ["spry"], replace: { "jitterMs: 5_000": "jitterMs: 20" } }))
        .names;
      const app = express();
      app.use(spry);
      app.ws("/", {});
      await using client = await connect(app);
      void spry.close();
      expect(await client.closed).toEqual({ code: 1012, reason: "update" });
    });
  });

  recipe("onError", (run) => {
    it("logs what hooks throw, with the stage", async () => {
      const running = await run<Names>({ take: ["spry"] });
      const app = express();
      app.use(running.names.spry);
      app.ws("/", {
        open() {
          throw new Error("a bug");
        },
      });
      await using client = await connect(app);
      expect((await client.closed).code).toBe(1011);
      expect(running.printed).toEqual([expect.stringMatching(/^websocket hook: Error: a bug/)]);
    });
  });
});
