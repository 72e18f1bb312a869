import Router from "@koa/router";
import { type Event, type Peer, useParams, useRequestURI } from "@spry-ws/core";
import { spryWs, useKoaContext, ws } from "@spry-ws/koa";
import { connect, refused } from "@spry-ws/testing";
import Koa3, { type Context } from "koa";
import bodyParser from "koa-bodyparser";
import mount from "koa-mount";
import session from "koa-session";
import Koa2 from "koa2";
import { describe, expect, it, vi } from "vitest";
import { Client } from "../fixtures/client.ts";
import { listen } from "../fixtures/listen.ts";

describe.each([
  ["koa 2", Koa2],
  ["koa 3", Koa3],
])("%s", (_name, Koa) => {
  const tell = (read: (event: Event) => unknown) => ({
    open: (peer: Peer) => peer.send(JSON.stringify(read(peer))),
  });

  it("unwinds the onion around a 101, with the session's cookie on it (C5)", async () => {
    const app = new Koa();
    const unwound: number[] = [];
    app.keys = ["secret"];
    app.use(spryWs());
    app.use(async (ctx, next) => {
      await next();
      unwound.push(ctx.status);
    });
    app.use(session({}, app));
    app.use(bodyParser());
    app.use((ctx, next) => {
      const visits = (ctx.session?.["visits"] ?? 0) + 1;
      if (ctx.session) ctx.session["visits"] = visits;
      ctx.cookies.set("seen", "1", { signed: false });
      return next();
    });
    app.use(
      ws(
        "/chat",
        tell((event) => useKoaContext(event)["session"].visits),
      ),
    );
    await using first = await connect(app, "/chat");
    const cookies = first.headers.getSetCookie();
    expect(cookies.map((one) => one.split("=", 1)[0]).sort()).toEqual(["koa.sess", "koa.sess.sig", "seen"]);
    expect([...new Set(first.headers.keys())].sort()).toEqual([
      "connection",
      "sec-websocket-accept",
      "set-cookie",
      "upgrade",
    ]);
    expect(await first.text()).toBe("1");
    expect(unwound).toEqual([101]);
    const cookie = cookies.map((one) => one.split(";", 1)[0]).join("; ");
    await using second = await connect(app, "/chat", { headers: { cookie } });
    expect(await second.text()).toBe("2");
  });

  it("has in later hooks what middleware has put on the context, and a response that has ended", async () => {
    const app = new Koa();
    app.use(spryWs());
    app.use((ctx, next) => {
      ctx.state["user"] = ctx.cookies.get("user");
      ctx.set("X-Request-Id", String(ctx.query["id"]));
      return next();
    });
    app.use(
      ws("/chat", {
        message(peer) {
          const ctx = useKoaContext(peer);
          const { status, path, query, headerSent, writable, ip, state } = ctx;
          ctx.body = "too late";
          const sent = [
            ctx.response.get("x-request-id"),
            ctx.cookies.get("user"),
            ctx.res === ctx.response.res,
          ];
          peer.send(JSON.stringify({ status, path, query, headerSent, writable, ip, state, sent }));
        },
      }),
    );
    await using client = await connect(app, "/chat?id=7", { headers: { cookie: "user=ada" } });
    client.send("look");
    expect(JSON.parse(await client.text())).toMatchObject({
      status: 101,
      path: "/chat",
      query: { id: "7" },
      headerSent: true,
      writable: false,
      state: { user: "ada" },
      sent: ["7", "ada", true],
    });
  });

  it("routes through nested routers and mounted apps, with the URL as the client sent it (C10)", async () => {
    const app = new Koa();
    const inner = new Router();
    inner.get("/:room", ws(tell((event) => [useRequestURI(event).pathname, useParams(event)])));
    const outer = new Router();
    outer.use("/rooms/:kind", inner.routes());
    const mounted = new Koa();
    mounted.use(outer.routes());
    app.use(spryWs());
    app.use(mount("/v1", mounted));
    await using client = await connect(app, "/v1/rooms/public/blue%20sky");
    expect(await client.json()).toEqual([
      "/v1/rooms/public/blue%20sky",
      { kind: "public", room: "blue sky" },
    ]);
  });

  it("leaves other paths and methods of a router-less app to the next middleware", async () => {
    const app = new Koa();
    const answer = (text: (ctx: Context) => string) => (ctx: Context) => {
      ctx.body = text(ctx);
    };
    app.use(spryWs());
    app.use(
      ws(
        "/chat",
        tell(() => "chat"),
        answer(() => "fallback"),
      ),
    );
    app.use(answer((ctx) => `next ${ctx.method}`));
    await using server = await listen(app.callback());
    expect(await (await fetch(server.httpUrl("/chat"))).text()).toBe("fallback");
    expect(await (await fetch(server.httpUrl("/other"))).text()).toBe("next GET");
    expect(await (await fetch(server.httpUrl("/chat"), { method: "POST" })).text()).toBe("next POST");
    await using client = await Client.open(server.url("/chat"));
    expect(await client.next()).toBe('"chat"');
  });

  it("refuses where middleware fails behind ws(hooks), or a session cannot be saved: both come before the 101", async () => {
    const app = new Koa();
    const errors: Error[] = [];
    app.keys = ["secret"];
    app.on("error", (error) => errors.push(error));
    app.use(spryWs());
    app.use(async (ctx, next) => {
      await next();
      if (ctx.path === "/late") throw new Error("late");
    });
    const store = {
      get: async () => ({}),
      set: () => Promise.reject(new Error("the store is away")),
      destroy: async () => {},
    };
    app.use(session({ store }, app));
    app.use((ctx, next) => {
      if (ctx.session && ctx.path === "/session") ctx.session["visits"] = 1;
      return next();
    });
    app.use(ws({}));
    expect((await refused(app, "/late")).status).toBe(500);
    expect((await refused(app, "/session")).status).toBe(500);
    expect(errors.map(({ message }) => message)).toEqual(["late", "the store is away"]);
  });

  it("gives what fails behind the 101 to the app's error event; the peer stays", async () => {
    const app = new Koa();
    const errors: Error[] = [];
    app.on("error", (error) => errors.push(error));
    app.use(spryWs());
    app.use((ctx, next) => {
      ctx.res.once("finish", () => ctx.onerror(new Error("late")));
      return next();
    });
    app.use(ws({ message: (peer, message) => peer.send(message) }));
    await using client = await connect(app);
    client.send("still here");
    expect(await client.text()).toBe("still here");
    expect(errors).toMatchObject([{ message: "late" }]);
  });

  it("is an error of the developer's to mount ws() without spryWs()", async () => {
    const app = new Koa();
    const errors: unknown[] = [];
    app.on("error", (error) => errors.push(error));
    app.use(ws({}));
    expect((await refused(app)).status).toBe(500);
    expect(errors).toMatchObject([{ code: "SPRY_WS_NOT_REGISTERED" }]);
    expect(() => ws(5 as never)).toThrow(/ws\(hooks\) takes an object of hooks, not a number/);
    expect(() => ws("/chat", 5 as never)).toThrow(/ws\(path, hooks\) takes an object of hooks/);
    expect(() => ws({}, "/chat" as never)).toThrow(/the fallback is a string/);
  });

  it.each(["/chät", "/a b", "/ch%C3%A4t/%41"])(
    "takes a path of any characters, as a browser sends it: %s",
    async (path) => {
      const app = new Koa();
      app.use(spryWs());
      app.use(
        ws(
          path,
          tell((event) => useRequestURI(event).pathname),
        ),
      );
      await using server = await listen(app.callback());
      await using client = await Client.open(server.url(path));
      expect(await client.next()).toBe(JSON.stringify(new URL(path, "http://host").pathname));
    },
  );

  it.each(["chat", "/rooms/:room", "/files/*", "/chat?v=1", "/chat#top"])(
    "takes no path that only a router could match: %s",
    (path) => {
      expect(() => ws(path, {})).toThrow(
        expect.objectContaining({
          code: "SPRY_WS_OPTION",
          message: expect.stringContaining("router.get(path, ws(hooks))"),
        }),
      );
    },
  );

  it("does not take the app for the server", () => {
    expect(() => spryWs().attach(new Koa() as never)).toThrow(
      expect.objectContaining({ code: "SPRY_WS_SERVER", message: expect.stringContaining("app.listen()") }),
    );
  });

  it("gives its instance as the middleware itself", async () => {
    const app = new Koa();
    const spry = spryWs();
    app.use(spry);
    app.use(ws("/chat", { open: (peer) => peer.subscribe("news") }));
    app.use((ctx) => {
      spry.publish("news", "hello");
      ctx.status = 204;
    });
    await using server = await listen(app.listen(0, "127.0.0.1"));
    spry.attach(server.server);
    await using client = await Client.open(server.url("/chat"));
    await fetch(server.httpUrl("/news"));
    expect(await client.next()).toBe("hello");
    expect(spry.peers.size).toBe(1);
    await spry.close();
    expect((await client.closed).code).toBe(1001);
  });

  it("gives the errors of hooks to the app's error event", async () => {
    const app = new Koa();
    const errors: unknown[] = [];
    app.on("error", (error) => errors.push(error));
    app.use(spryWs());
    app.use(ws({ open: () => Promise.reject(new Error("hook failed")) }));
    await using client = await connect(app);
    expect((await client.closed).code).toBe(1011);
    expect(errors).toMatchObject([{ message: "hook failed" }]);
  });

  it.each(["throws", "rejects"])(
    "prints what an error listener of the app's that %s did not take",
    async (how) => {
      const app = new Koa();
      const failed = new Error("listener failed");
      app.once("error", () => {
        if (how === "rejects") return Promise.reject(failed);
        throw failed;
      });
      app.use(spryWs());
      app.use(ws({ open: () => Promise.reject(new Error("hook failed")) }));
      const log = vi.spyOn(console, "error").mockImplementation(() => {});
      try {
        await using client = await connect(app);
        expect((await client.closed).code).toBe(1011);
        const printed = () => log.mock.calls.map(([error]) => String(error));
        await expect.poll(printed).toEqual(["Error: listener failed", "Error: hook failed"]);
        expect(app.listenerCount("error")).toBe(0);
      } finally {
        log.mockRestore();
      }
    },
  );

  it("gives what an async fallback rejects with to the app's error handling", async () => {
    const app = new Koa();
    const errors: unknown[] = [];
    app.on("error", (error) => errors.push(error));
    app.use(spryWs());
    app.use(ws("/chat", {}, () => Promise.reject(new Error("fallback failed"))));
    await using server = await listen(app.callback());
    expect((await fetch(server.httpUrl("/chat"))).status).toBe(500);
    expect(errors).toMatchObject([{ message: "fallback failed" }]);
  });
});
