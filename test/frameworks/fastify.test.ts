import type { AddressInfo } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import cookie from "@fastify/cookie";
import session from "@fastify/session";
import {
  createSpryWs,
  getClientAddress,
  type Message,
  memoryBackplane,
  type Peer,
  type SpryWsOptions,
  useParam,
} from "@spry-ws/core";
import spryWs, { useFastifyRequest, ws } from "@spry-ws/fastify";
import { connect, refused } from "@spry-ws/testing";
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyServerOptions } from "fastify";
import { describe, expect, it, vi } from "vitest";
import { Deferred } from "../fixtures/deferred.ts";
import { listen } from "../fixtures/listen.ts";
import { handshake, RawClient } from "../fixtures/raw.ts";

declare module "fastify" {
  interface Session {
    visits?: number;
  }
  interface FastifyRequest {
    user?: string;
  }
}

interface TestApp extends AsyncDisposable {
  readonly app: FastifyInstance;
  readonly logs: string[];
}

async function create(options: FastifyServerOptions = {}, spryOptions: SpryWsOptions = {}): Promise<TestApp> {
  const logs: string[] = [];
  const logger = { level: "info", stream: { write: (line: string) => void logs.push(line) } };
  const app = Fastify({ logger, ...options });
  await app.register(spryWs, spryOptions);
  return {
    app,
    logs,
    [Symbol.asyncDispose]: () => app.close(),
  };
}

const hello = { open: (peer: Peer) => peer.send("hello") };

describe("fastify 5", () => {
  it("has cookies of @fastify/session and onSend hooks on the 101, and onResponse sees 101 (C5)", async () => {
    await using test = await create();
    const { app } = test;
    const statuses: number[] = [];
    await app.register(cookie);
    await app.register(session, { secret: "a secret of at least 32 characters", cookie: { secure: false } });
    app.addHook("onResponse", async (_request, reply) => void statuses.push(reply.statusCode));
    app.addHook("onSend", async (_request, reply) => void reply.header("set-cookie", "sent=1"));
    app.addHook("onRequest", async (request) => {
      request.session.visits = (request.session.visits ?? 0) + 1;
    });
    app.ws("/chat", { open: (peer) => peer.send(String(useFastifyRequest(peer).session.visits)) });
    await using client = await connect(test.app, "/chat");
    const cookies = client.headers.getSetCookie();
    expect(cookies.map((one) => one.split("=", 1)[0]).sort()).toEqual(["sent", "sessionId"]);
    expect([...new Set(client.headers.keys())].sort()).toEqual([
      "connection",
      "sec-websocket-accept",
      "set-cookie",
      "upgrade",
    ]);
    expect(await client.text()).toBe("1");
    expect(statuses).toEqual([101]);
    const headers = { cookie: cookies.map((one) => one.split(";", 1)[0]).join("; ") };
    await using second = await connect(test.app, "/chat", { headers });
    expect(await second.text()).toBe("2");
  });

  it("keeps to encapsulation: prefix, hooks and decorators of a child are there, those of a sibling are not", async () => {
    await using test = await create();
    const { app } = test;
    const seen: string[] = [];
    app.decorateRequest("user", "");
    await app.register(
      async (child) => {
        child.addHook("preHandler", async (request) => {
          request.user = "ada";
          seen.push("child");
        });
        child.ws("/:room", {
          open: (peer) => peer.send(`${useFastifyRequest(peer).user} in ${useParam(peer, "room")}`),
        });
      },
      { prefix: "/rooms" },
    );
    await app.register(async (sibling) => {
      sibling.addHook("preHandler", async () => void seen.push("sibling"));
    });
    await using client = await connect(test.app, "/rooms/blue");
    expect(await client.text()).toBe("ada in blue");
    expect(seen).toEqual(["child"]);
  });

  it("says what is missing where the plugin is registered without await, and a route does not know its option ws", async () => {
    const errors: unknown[] = [];
    await using app = Fastify();
    app.register(spryWs, { onError: (error) => errors.push(error) });
    app.get("/chat", { ws: hello }, async () => "page");
    const answer = await refused(app, "/chat");
    expect([answer.status, answer.body]).toEqual([200, "page"]);
    expect(errors).toMatchObject([
      { code: "SPRY_WS_UNROUTED", message: expect.stringContaining("await app.register(spryWs)") },
    ]);
  });

  it("validates by schema before the upgrade hook, and refuses with the framework's answer", async () => {
    await using test = await create();
    let upgrades = 0;
    const hooks = { ...hello, upgrade: () => void upgrades++ };
    const schema = {
      querystring: { type: "object", required: ["token"], properties: { token: { type: "integer" } } },
    };
    test.app.get("/chat", { ws: hooks, schema }, async () => "page");
    const answer = await refused(test.app, "/chat");
    expect(answer.status).toBe(400);
    expect(answer.json()).toMatchObject({ code: "FST_ERR_VALIDATION" });
    expect(upgrades).toBe(0);
    await using client = await connect(test.app, "/chat?token=1");
    expect(await client.text()).toBe("hello");
    expect(upgrades).toBe(1);
  });

  it("answers plain requests on a route with the option ws by its handler, HEAD too", async () => {
    await using test = await create();
    test.app.get("/chat", { ws: hello }, async () => ({ page: true }));
    test.app.route({ method: ["GET"], url: "/route", ws: hello, handler: async () => "route" });
    expect((await test.app.inject("/chat")).json()).toEqual({ page: true });
    expect((await test.app.inject({ method: "HEAD", url: "/chat" })).statusCode).toBe(200);
    expect((await test.app.inject("/route")).body).toBe("route");
  });

  it("answers 426 on a route of app.ws without a fallback, runs the fallback with the framework's this", async () => {
    await using test = await create();
    test.app.ws("/chat", hello);
    test.app.ws("/page", hello, function () {
      return Promise.resolve(this.prefix === "" ? "page" : "wrong this");
    });
    const answer = await test.app.inject("/chat");
    expect([answer.statusCode, answer.headers["upgrade"]]).toEqual([426, "websocket"]);
    expect((await test.app.inject("/page")).body).toBe("page");
  });

  it("logs through the request's own logger where a hook throws and there is no error hook", async () => {
    await using test = await create();
    test.app.ws("/chat", {
      open() {
        throw new Error("hook failed");
      },
    });
    await using client = await connect(test.app, "/chat");
    expect((await client.closed).code).toBe(1011);
    const line = test.logs.map((text) => JSON.parse(text)).find(({ err }) => err?.message === "hook failed");
    expect(line).toMatchObject({ level: 50, reqId: "req-1" });
  });

  it.each(["throws", "rejects"])("prints what a logger that %s did not take", async (how) => {
    const error = (): unknown => {
      if (how === "rejects") return Promise.reject(new Error("logger failed"));
      throw new Error("logger failed");
    };
    const quiet = { level: "info", fatal() {}, warn() {}, info() {}, debug() {}, trace() {}, silent() {} };
    const loggerInstance = { ...quiet, error, child: () => loggerInstance } as unknown as FastifyBaseLogger;
    const app = Fastify({ loggerInstance });
    await app.register(spryWs);
    app.get("/chat", ws({ open: () => Promise.reject(new Error("hook failed")) }));
    await app.ready();
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    try {
      await using client = await connect(app.server, "/chat");
      expect((await client.closed).code).toBe(1011);
      const printed = () => log.mock.calls.map(([error]) => String(error));
      await expect.poll(printed).toEqual(["Error: logger failed", "Error: hook failed"]);
    } finally {
      log.mockRestore();
      await app.close();
    }
  });

  it("gives what an async fallback rejects with to the app's error handling", async () => {
    await using test = await create();
    const errors: unknown[] = [];
    test.app.setErrorHandler((error, _request, reply) => {
      errors.push(error);
      return reply.code(500).send();
    });
    test.app.ws("/page", hello, () => Promise.reject(new Error("fallback failed")));
    expect((await test.app.inject("/page")).statusCode).toBe(500);
    expect(errors).toMatchObject([{ message: "fallback failed" }]);
  });

  const echo = { message: (peer: Peer, message: Message) => peer.send(message) };

  it("goes to the log where something fails behind the 101; the peer stays", async () => {
    await using test = await create();
    test.app.addHook("onResponse", async () => {
      throw new Error("onResponse failed");
    });
    test.app.get("/chat", async function (request, reply) {
      await ws(echo).call(this, request, reply);
      throw new Error("handler failed");
    });
    await using client = await connect(test.app, "/chat");
    client.send("still here");
    expect(await client.text()).toBe("still here");
    const failures = test.logs.map((text) => JSON.parse(text).err?.message).filter(Boolean);
    expect(failures.sort()).toEqual(["handler failed", "onResponse failed"]);
  });

  it("refuses with the framework's answer where a session cannot be saved, before the 101", async () => {
    await using test = await create();
    const store = {
      set: (_id: string, _session: object, callback: (error?: unknown) => void) =>
        callback(new Error("the store is away")),
      get: (_id: string, callback: (error: unknown, session: null) => void) => callback(null, null),
      destroy: (_id: string, callback: (error?: unknown) => void) => callback(),
    };
    await test.app.register(cookie);
    const secret = "a secret of at least 32 characters";
    await test.app.register(session, { secret, store, cookie: { secure: false } });
    test.app.ws("/chat", hello);
    const answer = await refused(test.app, "/chat");
    expect([answer.status, answer.json()]).toMatchObject([500, { message: "the store is away" }]);
    expect(test.app.spryWs.metrics()).toMatchObject({ accepted: 0, refused: { framework: 1 } });
  });

  it("calls onResponse for a handshake that was answered with 408, when its handler is done", async () => {
    await using test = await create({}, { handshakeTimeoutMs: 20 });
    const gate = new Deferred();
    const done = new Deferred();
    test.app.addHook("onResponse", async () => done.resolve());
    test.app.ws("/chat", { upgrade: () => gate.promise });
    expect((await refused(test.app, "/chat")).status).toBe(408);
    gate.resolve();
    await done.promise;
  });

  it("says at registration what is wrong with a route", async () => {
    await using test = await create();
    expect(() => test.app.post("/chat", { ws: hello }, async () => "x")).toThrow(
      expect.objectContaining({
        code: "SPRY_WS_OPTION",
        message: expect.stringMatching(/must be a GET route/),
      }),
    );
    expect(() => test.app.get("/chat", { ws: { opne() {} } as object }, async () => "x")).toThrow(
      /no hook "opne"/,
    );
    expect(() => test.app.ws("/chat", 5 as never)).toThrow(
      /ws\(hooks\) takes an object of hooks, not a number/,
    );
    await expect(Fastify().register(spryWs, { maxPayload: -1 })).rejects.toThrow(/"maxPayload" must be/);
    const called = (spryWs as unknown as () => typeof spryWs)();
    await expect(Fastify().register(called)).rejects.toThrow(/write app\.register\(spryWs, options\)/);
  });

  it("says what to write where the plugin is registered twice in one context, and leaves nothing of the second", async () => {
    const { app } = await create();
    await expect(Promise.resolve(app.register(spryWs))).rejects.toThrow(
      expect.objectContaining({
        code: "SPRY_WS_OPTION",
        message: expect.stringContaining("await child.register(spryWs, options)"),
      }),
    );
    await app.spryWs.close();
    expect(app.server.listenerCount("upgrade")).toBe(0);
  });

  it("wraps the handler of a route once, in a context within one that has the plugin too", async () => {
    await using test = await create();
    let calls = 0;
    const hooks = () => {
      calls++;
      return hello;
    };
    const handler = async (): Promise<string> => "page";
    const layers: unknown[] = [];
    await test.app.register(async (child) => {
      child.addHook("onRoute", (route) => void layers.push(route.handler));
      await child.register(spryWs);
      child.addHook("onRoute", (route) => void layers.push(route.handler));
      child.route({ method: "GET", url: "/chat", exposeHeadRoute: false, ws: hooks, handler });
    });
    // The context around it has wrapped it before the first of these hooks.
    expect(layers[0]).not.toBe(handler);
    expect(layers[1]).toBe(layers[0]);
    expect((await test.app.inject("/chat")).body).toBe("page");
    await using client = await connect(test.app, "/chat");
    expect(await client.text()).toBe("hello");
    expect(calls).toBe(1);
  });

  it("closes the peers with 1001 when the app closes", async () => {
    const test = await create();
    test.app.get("/chat", ws(hello));
    await using client = await connect(test.app, "/chat");
    expect(await client.text()).toBe("hello");
    expect(test.app.spryWs.peers.size).toBe(1);
    await test.app.close();
    expect((await client.closed).code).toBe(1001);
  });

  it.each<[string, NonNullable<FastifyServerOptions["trustProxy"]>, RegExp]>([
    ["an address", "127.0.0.1", /^203\.0\.113\.7$/],
    ["a list of addresses and networks", ["10.0.0.0/8", "127.0.0.1"], /^203\.0\.113\.7$/],
    // As the types say. The documentation of this package says it too: Fastify 4 counted hops.
    ["a number, which trusts nobody", 1 as never, /^127\.0\.0\.1:\d+$/],
  ])(
    "takes the client's address from a proxy that trustProxy names: %s",
    async (_what, trustProxy, address) => {
      await using test = await create({ trustProxy });
      test.app.ws("/chat", { open: (peer) => peer.send(String(getClientAddress(peer))) });
      await using client = await connect(test.app, "/chat", {
        headers: { "x-forwarded-for": "203.0.113.7" },
      });
      expect(await client.text()).toMatch(address);
    },
  );

  it("ends app.close() in time with a client that never answers, however short pluginTimeout is", async () => {
    const app = Fastify({ pluginTimeout: 100 });
    const calls: string[] = [];
    app.addHook("onClose", async () => void calls.push("onClose before"));
    await app.register(spryWs, { shutdown: { code: 4001, reason: "update", deadlineMs: 400, jitterMs: 20 } });
    app.addHook("onClose", async () => void calls.push("onClose behind"));
    app.ws("/", { close: (_peer, code) => void calls.push(`close ${code}`) });
    await app.listen({ port: 0, host: "127.0.0.1" });
    using silent = await RawClient.connect((app.server.address() as AddressInfo).port, handshake());
    await silent.response();
    await app.close();
    expect(await silent.closeFrame()).toEqual({ code: 4001, reason: "update" });
    expect(calls).toEqual(["close 1006", "onClose behind", "onClose before"]);
  });

  it("lets preClose hooks say goodbye, and onClose hooks wait for async close hooks, in whatever order they are registered", async () => {
    for (const order of ["before", "behind"]) {
      const app = Fastify();
      const calls: string[] = [];
      const addHooks = () => {
        app.addHook("preClose", async () => {
          for (const peer of app.spryWs.peers) peer.send("goodbye");
        });
        app.addHook("onClose", async () => void calls.push("database closed"));
      };
      if (order === "before") addHooks();
      await app.register(spryWs);
      if (order === "behind") addHooks();
      app.ws("/chat", {
        async close() {
          for (let i = 0; i < 20; i++) await nextTurn();
          calls.push("written");
        },
      });
      await using client = await connect(app, "/chat");
      await app.close();
      expect(await client.text()).toBe("goodbye");
      expect((await client.closed).code).toBe(1001);
      expect(calls).toEqual(["written", "database closed"]);
    }
  });

  it("hands over to other processes what an async close hook publishes while app.close() runs", async () => {
    const backplane = memoryBackplane();
    const other = createSpryWs({ backplane });
    await using server = await listen(other.handler({ open: (peer) => peer.subscribe("room") }));
    await using listener = await connect(server.server);
    await other.ready();
    const app = Fastify();
    await app.register(spryWs, { backplane });
    app.ws("/chat", {
      async close(peer) {
        await nextTurn();
        peer.publish("room", "left");
      },
    });
    await using _client = await connect(app, "/chat");
    await app.close();
    expect(await listener.text()).toBe("left");
    expect(app.spryWs.metrics()).toMatchObject({ backplanePublished: 1, backplaneDropped: 0 });
  });

  it("works on each address of localhost", async () => {
    await using test = await create();
    test.app.ws("/chat", hello);
    await test.app.listen({ port: 0, host: "localhost" });
    for (const { address, port, family } of test.app.addresses() as AddressInfo[]) {
      await using client = await connect(`ws://${family === "IPv6" ? `[${address}]` : address}:${port}/chat`);
      expect(await client.text()).toBe("hello");
    }
  });
});
