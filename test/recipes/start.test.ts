import * as forExpress from "@spry-ws/express";
import * as forFastify from "@spry-ws/fastify";
import * as forKoa from "@spry-ws/koa";
import { connect, refused } from "@spry-ws/testing";
import express, { type RequestHandler } from "express";
import { fastify, type preHandlerAsyncHookHandler } from "fastify";
import Koa, { type Middleware } from "koa";
import { expect, it, vi } from "vitest";
import { certificate } from "../fixtures/certificate.ts";
import { browserSocket } from "./browser.ts";
import { describePage, type Run } from "./page.ts";

/** Two clients of an app at whose `/chat` everybody hears the others. */
function isAChat(run: Run): void {
  it("passes what one says to the others, and answers a plain request with its page", async () => {
    const app = await run();
    expect(await (await fetch(`${app.url}/chat`)).text()).toBe("a page for plain requests");
    await using ada = await connect(app.url, "/chat");
    await using grace = await connect(app.url, "/chat");
    await ada.ping();
    grace.send("hello");
    expect(await ada.text()).toBe("hello");
    await grace.ping();
    expect(grace.unread).toEqual([]);
  });
}

/** The lines for the consoles of two tabs. */
function isATab(run: Run, runApp: () => Run | undefined): void {
  it("says hello to the tabs that are there", async () => {
    const app = await runApp()?.();
    await using watching = await connect(app?.url ?? "", "/chat");
    const names = { give: { WebSocket: browserSocket(app?.port ?? 0) }, take: ["socket"] as const };
    const first = await run<{ socket: WebSocket }>(names);
    expect(await watching.text()).toBe("hello");
    const second = await run<{ socket: WebSocket }>(names);
    await vi.waitFor(() => expect([...first.printed, ...second.printed]).toEqual(["hello"]));
    for (const { names } of [first, second]) names.socket.close();
  });
}

describePage("docs/start/express.md", (recipe) => {
  let app: Run | undefined;
  recipe("Express", (run) => {
    app = run;
    isAChat(run);
  });
  recipe("Express 2", (run) => isATab(run, () => app));

  recipe("Routes", (run) => {
    it("tells the room behind the middleware that the route needs", async () => {
      const app = express();
      app.use(forExpress.spryWs());
      const requireUser: RequestHandler = (request, response, next) =>
        request.get("authorization") ? next() : void response.status(401).send("Log in first");
      await run({ give: { app, requireUser } });
      expect((await refused(app, "/rooms/blue")).body).toBe("Log in first");
      await using client = await connect(app, "/rooms/blue?a=b", { headers: { authorization: "x" } });
      expect(await client.text()).toBe("/rooms/blue?a=b is the room blue");
    });
  });

  recipe("The server", (run) => {
    it("serves WebSockets over TLS", async () => {
      const { key, cert } = certificate;
      const give = { readFileSync: (file: string) => (file === "key.pem" ? key : cert) };
      const running = await run<{ app: express.Express }>({
        give,
        take: ["app"],
        replace: { 'import { readFileSync } from "node:fs";': "" },
      });
      running.names.app.get("/", forExpress.ws({ open: (peer) => peer.send("over TLS") }));
      await using client = await connect(running.url.replace("http:", "https:"), "/", {
        websocket: { ca: cert, rejectUnauthorized: false },
      });
      expect(await client.text()).toBe("over TLS");
    });
  });
});

describePage("docs/start/fastify.md", (recipe) => {
  let app: Run | undefined;
  recipe("Fastify", (run) => {
    const quiet: Run = (options) => run({ ...options, replace: { "logger: true": "logger: false" } });
    app = quiet;
    isAChat(quiet);
  });
  recipe("Fastify 2", (run) => isATab(run, () => app));

  recipe("Routes", (run) => {
    it("checks the parameters and runs the preHandler, and answers a plain request", async () => {
      await using app = fastify();
      await app.register(forFastify.spryWs);
      const requireUser: preHandlerAsyncHookHandler = async (request, reply) => {
        if (!request.headers.authorization) return reply.code(401).send({ message: "Log in first" });
      };
      await run({ give: { app, requireUser } });
      const headers = { authorization: "x" };
      expect((await refused(app, "/rooms/blue")).status).toBe(401);
      expect((await refused(app, `/rooms/${"x".repeat(33)}`, { headers })).status).toBe(400);
      expect((await app.inject({ url: "/rooms/blue", headers })).body).toBe("a page for plain requests");
      await using client = await connect(app, "/rooms/blue", { headers });
      app.spryWs.publish("blue", "hello");
      expect(await client.text()).toBe("hello");
    });
  });
});

describePage("docs/start/koa.md", (recipe) => {
  let app: Run | undefined;
  recipe("Koa", (run) => {
    app = run;
    isAChat(run);
  });
  recipe("Koa 2", (run) => isATab(run, () => app));

  recipe("Routes", (run) => {
    it("tells the room behind the middleware that the route needs", async () => {
      const app = new Koa();
      app.use(forKoa.spryWs());
      const requireUser: Middleware = async (ctx, next) => {
        ctx.state["user"] = ctx.get("x-user");
        if (ctx.state["user"]) await next();
        else ctx.throw(401, "Log in first");
      };
      await run({ give: { app, requireUser } });
      expect((await refused(app, "/rooms/blue")).body).toBe("Log in first");
      await using client = await connect(app, "/rooms/blue", { headers: { "x-user": "ada" } });
      expect(await client.text()).toBe("ada is in blue");
    });
  });
});

describePage("docs/start/http.md", (recipe) => {
  recipe("node:http", isAChat);

  recipe("Several routes", (run) => {
    it("has a handler for each route, and 404 for every other path", async () => {
      type Names = { spry: forExpress.SpryWs };
      const app = await run<Names>({ take: ["spry"] });
      await using room = await connect(app.url, "/rooms/blue");
      app.names.spry.publish("blue", "hello");
      expect(await room.text()).toBe("hello");
      await using status = await connect(app.url, "/status");
      expect(await status.closed).toEqual({ code: 1000, reason: "all is well" });
      expect((await refused(app.url, "/other")).status).toBe(404);
      expect((await fetch(`${app.url}/status`)).status).toBe(426);
    });
  });
});
