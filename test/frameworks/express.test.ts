import { once } from "node:events";
import { setFlagsFromString } from "node:v8";
import { type Event, type Peer, type SpryWs, useHeaders, useParams, useRequestURI } from "@spry-ws/core";
import { spryWs, useExpressRequest, ws } from "@spry-ws/express";
import compression from "compression";
import cookieParser from "cookie-parser";
import express5, { type ErrorRequestHandler, type Request } from "express";
import session from "express-session";
import express4 from "express4";
import helmet from "helmet";
import morgan from "morgan";
import supertest from "supertest";
import { describe, expect, it } from "vitest";
import { Client } from "../fixtures/client.ts";
import { listen } from "../fixtures/listen.ts";
import { Queue } from "../fixtures/queue.ts";
import { frame, handshake, RawClient } from "../fixtures/raw.ts";

declare module "express-session" {
  interface SessionData {
    visits: number;
  }
}

describe.each([
  ["express 4", express4],
  ["express 5", express5],
])("%s", (_name, express) => {
  /** Sends the peer what `read` gives. */
  const tell = (read: (event: Event) => unknown) => ({
    open: (peer: Peer) => peer.send(JSON.stringify(read(peer))),
  });

  it("counts a client once where an error handler leads from one ws(hooks) to another", async () => {
    const app = express();
    app.use(spryWs({ maxPeersPerAddress: 1 }));
    app.get(
      "/chat",
      ws({
        upgrade() {
          throw new Error("not here");
        },
      }),
    );
    const other = ws(tell(() => "there"));
    const handler: ErrorRequestHandler = (_error, request, response, next) => other(request, response, next);
    app.use(handler);
    await using server = await listen(app.listen(0, "127.0.0.1"));
    for (let i = 0; i < 2; i++) {
      await using client = await Client.open(server.url("/chat"));
      expect(JSON.parse(String(await client.next()))).toBe("there");
    }
  });

  it("gives the requests of handshakes one hidden class, as V8 is slow with objects that have one each", async () => {
    setFlagsFromString("--allow-natives-syntax");
    const hasSameMap = new Function("one", "other", "return %HaveSameMap(one, other)");
    setFlagsFromString("--no-allow-natives-syntax");
    const requests: Request[] = [];
    const app = express();
    app.use(spryWs());
    app.ws("/chat", { open: (peer) => void requests.push(useExpressRequest(peer)) });
    await using server = await listen(app.listen(0, "127.0.0.1"));
    // The properties that the router adds are known from the first one; V8 has settled its classes some handshakes later.
    for (let i = 0; i < 20; i++) {
      await using _client = await Client.open(server.url("/chat"));
    }
    expect(hasSameMap(requests.at(-1), requests.at(-2))).toBe(true);
  });

  it("runs the middleware of a real app before a handshake; the session's cookie is on the 101 (C5)", async () => {
    const app = express();
    const log = new Queue<string>();
    app.use(spryWs());
    app.use(morgan(":method :url :status", { stream: { write: (line) => log.push(line.trim()) } }));
    app.use(helmet(), compression(), cookieParser(), express.json(), express.urlencoded({ extended: false }));
    app.use(session({ secret: "secret", resave: false, saveUninitialized: false }));
    app.use((request, response, next) => {
      request.session.visits = (request.session.visits ?? 0) + 1;
      response.cookie("seen", "1").append("Set-Cookie", "third=3");
      next();
    });
    app.ws(
      "/chat",
      tell((event) => {
        const { session, cookies } = useExpressRequest(event);
        return [session.visits, Object.keys(cookies)];
      }),
    );
    await using server = await listen(app.listen(0, "127.0.0.1"));

    await using first = await Client.open(server.url("/chat"));
    const { headers } = await first.response;
    const cookies = headers["set-cookie"] ?? [];
    expect(cookies.map((cookie) => cookie.split("=", 1)[0]).sort()).toEqual(["connect.sid", "seen", "third"]);
    expect(Object.keys(headers).sort()).toEqual([
      "connection",
      "sec-websocket-accept",
      "set-cookie",
      "upgrade",
    ]);
    expect(await first.next()).toBe("[1,[]]");
    expect(await log.next()).toBe("GET /chat 101");

    const cookie = cookies.map((one) => one.split(";", 1)[0]).join("; ");
    await using second = await Client.open(server.url("/chat"), { headers: { cookie } });
    expect(JSON.parse(String(await second.next()))[0]).toBe(2);

    const refused = await RawClient.connect(server.port, handshake({ target: "/unknown" }));
    const response = await refused.response();
    expect(response.status).toBe(404);
    expect(response.headers["content-security-policy"]).toBeDefined();
    expect(await log.next()).toBe("GET /chat 101");
    expect(await log.next()).toBe("GET /unknown 404");
  });

  it("has in later hooks what middleware has put on request and response, and a response that has ended", async () => {
    const app = express();
    app.use(spryWs());
    app.use((request, response, next) => {
      request.headers["x-user"] = "ada";
      response.locals["user"] = "ada";
      response.set("X-Request-Id", String(request.query["id"]));
      next();
    });
    app.ws("/:room", {
      message(peer, message) {
        const request = useExpressRequest(peer);
        const { res } = request;
        if (message.text() === "listen") {
          res?.on("mine", () => peer.send("heard"));
          return;
        }
        res?.emit("mine");
        const { path, query, params, headers, ip } = request;
        const { locals, statusCode, headersSent, writableEnded } = res ?? {};
        const sent = [res?.get("x-request-id"), res?.req === request, res?.app !== undefined];
        let code: unknown;
        try {
          res?.set("X-Late", "1");
        } catch (error) {
          ({ code } = error as NodeJS.ErrnoException);
        }
        const request101 = { path, query, params, ip, user: headers["x-user"], upgrade: headers.upgrade };
        peer.send(JSON.stringify([request101, locals, statusCode, headersSent, writableEnded, sent, code]));
      },
    });
    await using server = await listen(app.listen(0, "127.0.0.1"));
    await using first = await Client.open(server.url("/red?id=1"));
    await using second = await Client.open(server.url("/blue?id=2"));
    first.send("listen");
    for (const [client, room, id] of [
      [second, "blue", "2"],
      [first, "red", "1"],
    ] as const) {
      client.send("look");
      if (client === first) expect(await client.next()).toBe("heard"); // Nobody else's listener was.
      expect(JSON.parse(String(await client.next()))).toEqual([
        {
          path: `/${room}`,
          query: { id },
          params: { room },
          ip: "127.0.0.1",
          user: "ada",
          upgrade: "websocket",
        },
        { user: "ada" },
        101,
        true,
        true,
        [id, true, true],
        "ERR_HTTP_HEADERS_SENT",
      ]);
    }
  });

  it("lets go of the request behind open with releaseRequest, and says so", async () => {
    const app = express();
    const logged: unknown[] = [];
    app.use(spryWs({ releaseRequest: true, onError: (error) => logged.push(error) }));
    app.ws("/:room", {
      upgrade: (event) => ({ context: { agent: useExpressRequest(event).get("user-agent") } }),
      open: async (peer) => {
        await new Promise(setImmediate);
        peer.send(useExpressRequest(peer).path);
      },
      message(peer) {
        peer.send(JSON.stringify([peer.context.agent, useHeaders(peer).get("user-agent"), useParams(peer)]));
        useExpressRequest(peer);
      },
    });
    await using server = await listen(app.listen(0, "127.0.0.1"));
    await using client = await Client.open(server.url("/red"), { headers: { "User-Agent": "test" } });
    expect(await client.next()).toBe("/red");
    client.send("look");
    expect(JSON.parse(String(await client.next()))).toEqual(["test", "test", { room: "red" }]);
    expect((await client.closed).code).toBe(1011);
    expect(logged).toMatchObject([{ code: "SPRY_WS_EVENT", message: /the option releaseRequest/ }]);
  });

  it("routes through nested routers and mounted apps, with the URL as the client sent it (C10)", async () => {
    const app = express();
    const read = (event: Event) => ({
      path: useRequestURI(event).pathname + useRequestURI(event).search,
      original: useExpressRequest(event).originalUrl,
      params: useParams(event),
    });
    const inner = express.Router({ mergeParams: true });
    inner.get("/:room", (_request, _response, next) => next(), ws(tell(read)));
    const outer = express.Router();
    outer.use("/rooms/:kind", inner);
    const mounted = express();
    mounted.use(outer);
    app.use(spryWs());
    app.use("/v1", mounted);
    await using server = await listen(app);
    await using client = await Client.open(server.url("/v1/rooms/public/blue%20sky?a=1"));
    expect(JSON.parse(String(await client.next()))).toEqual({
      path: "/v1/rooms/public/blue%20sky?a=1",
      original: "/v1/rooms/public/blue%20sky?a=1",
      params: { kind: "public", room: "blue sky" },
    });
  });

  it("routes by RegExp and by a list of paths (C10)", async () => {
    const app = express();
    app.use(spryWs());
    app.ws(
      /^\/r(\d+)$/,
      tell((event) => useParams(event)["0"]),
    );
    app.ws(
      ["/a", "/b"],
      tell(() => "list"),
    );
    await using server = await listen(app);
    for (const [path, text] of [
      ["/r42", '"42"'],
      ["/a", '"list"'],
      ["/b", '"list"'],
    ]) {
      await using client = await Client.open(server.url(path as string));
      expect(await client.next()).toBe(text);
    }
  });

  it("works in a mounted app that has its own spryWs()", async () => {
    const app = express();
    const mounted = express();
    mounted.use(spryWs());
    mounted.ws(
      "/chat",
      tell(() => "mounted"),
    );
    app.use("/sub", mounted);
    await using server = await listen(app);
    await using client = await Client.open(server.url("/sub/chat"));
    expect(await client.next()).toBe('"mounted"');
  });

  it("learns a server made by hand from its first request, also if that is a handshake with early frames", async () => {
    const app = express();
    app.use(spryWs());
    app.ws("/chat", { message: (peer, message) => peer.send(message) });
    await using server = await listen(app);
    const early = Buffer.concat([Buffer.from(handshake({ target: "/chat" })), frame("early")]);
    using client = await RawClient.connect(server.port, early);
    expect((await client.response()).status).toBe(101);
    expect((await client.frame()).payload.toString()).toBe("early");
  });

  it("answers 503 and says what to do where asynchronous middleware hid the first handshake", async () => {
    const app = express();
    const errors: unknown[] = [];
    app.use((_request, _response, next) => setImmediate(() => setImmediate(next)));
    app.use(spryWs({ onError: (error) => errors.push(error) }));
    app.ws(
      "/chat",
      tell(() => "ready"),
    );
    await using server = await listen(app);
    using first = await RawClient.connect(server.port, handshake({ target: "/chat" }));
    const response = await first.response();
    expect([response.status, response.headers["retry-after"]]).toEqual([503, "1"]);
    expect(errors).toMatchObject([
      { code: "SPRY_WS_NOT_REGISTERED", message: expect.stringContaining("attach(server)") },
    ]);
    await using second = await Client.open(server.url("/chat"));
    expect(await second.next()).toBe('"ready"');
  });

  it("is ready for the first handshake behind asynchronous middleware once attached", async () => {
    const app = express();
    const spry = spryWs();
    app.use((_request, _response, next) => setImmediate(() => setImmediate(next)));
    app.use(spry);
    app.ws(
      "/chat",
      tell(() => "ready"),
    );
    await using server = await listen(app);
    spry.attach(server.server);
    spry.attach(server.server);
    await using client = await Client.open(server.url("/chat"));
    expect(await client.next()).toBe('"ready"');
  });

  it("does not take the app for the server", () => {
    expect(() => spryWs().attach(express() as never)).toThrow(
      expect.objectContaining({
        code: "SPRY_WS_SERVER",
        message: expect.stringContaining("app.listen()"),
      }),
    );
  });

  it("is an error of the developer's to mount ws() without spryWs()", async () => {
    const app = express();
    const errors: Error[] = [];
    app.get("/chat", ws({}));
    app.use(((error, _request, response, _next) => {
      errors.push(error);
      response.status(500).end();
    }) as ErrorRequestHandler);
    await using server = await listen(app);
    using client = await RawClient.connect(server.port, handshake({ target: "/chat" }));
    expect((await client.response()).status).toBe(500);
    expect(errors).toMatchObject([
      { code: "SPRY_WS_NOT_REGISTERED", message: expect.stringContaining("app.use(spryWs())") },
    ]);
  });

  it("answers 500 where something else than ws() answers 101", async () => {
    const app = express();
    const errors: unknown[] = [];
    app.use(spryWs({ onError: (error) => errors.push(error) }));
    app.get("/chat", (_request, response) => void response.status(101).end());
    await using server = await listen(app);
    using client = await RawClient.connect(server.port, handshake({ target: "/chat" }));
    expect((await client.response()).status).toBe(500);
    expect(errors).toMatchObject([{ code: "SPRY_WS_UNROUTED" }]);
  });

  describe("an error behind the 101", () => {
    /** A store that loads, and cannot save. */
    class BrokenStore extends session.MemoryStore {
      override set(_id: string, _session: unknown, callback?: (error: unknown) => void): void {
        setImmediate(() => callback?.(new Error("the store is away")));
      }
    }

    it("of a session store that cannot save goes to onError, and the peer stays", async () => {
      const app = express();
      const errors = new Queue<unknown>();
      app.use(spryWs({ onError: (error, { stage }) => errors.push([stage, (error as Error).message]) }));
      const store = new BrokenStore();
      app.use(session({ secret: "secret", resave: false, saveUninitialized: true, store }));
      const handled: string[] = [];
      const handler: ErrorRequestHandler = (error, _request, response, next) => {
        handled.push(error.message);
        if (response.headersSent) next(error);
        else response.status(500).end();
      };
      app.ws("/chat", { message: (peer, message) => peer.send(message) });
      app.use(handler);
      await using server = await listen(app.listen(0, "127.0.0.1"));
      await using client = await Client.open(server.url("/chat"));
      expect(await errors.next()).toEqual(["handshake", "the store is away"]);
      expect(handled).toEqual(["the store is away"]);
      client.send("still here");
      expect(await client.next()).toBe("still here");
    });

    it("of middleware in a mounted app, too, and once for each", async () => {
      const app = express();
      const mounted = express();
      const errors = new Queue<unknown>();
      const late = new Queue<(error: Error) => void>();
      mounted.use(spryWs({ onError: (error) => errors.push((error as Error).message) }));
      mounted.use((_request, _response, next) => {
        late.push(next);
        next();
      });
      mounted.ws("/chat", { message: (peer, message) => peer.send(message) });
      app.use("/sub", mounted);
      await using server = await listen(app);
      await fetch(server.httpUrl("/sub/nothing"));
      await late.next();
      for (const name of ["first", "second"]) {
        await using client = await Client.open(server.url("/sub/chat"));
        (await late.next())(new Error(name));
        expect(await errors.next()).toBe(name);
        client.send("still here");
        expect(await client.next()).toBe("still here");
      }
    });

    it("is left to Express where there was no 101", async () => {
      const app = express();
      app.set("env", "test");
      const errors: unknown[] = [];
      app.use(spryWs({ onError: (error) => errors.push(error) }));
      app.ws("/chat", {});
      app.get("/late", (_request, response, next) => {
        response.write("begun");
        setImmediate(() => next(new Error("late")));
      });
      app.get("/early", (_request, _response, next) => next(new Error("early")));
      await using server = await listen(app);
      await using _client = await Client.open(server.url("/chat"));
      await expect(fetch(server.httpUrl("/late")).then((response) => response.text())).rejects.toThrow();
      expect((await fetch(server.httpUrl("/early"))).status).toBe(500);
      using refused = await RawClient.connect(server.port, handshake({ target: "/early" }));
      expect((await refused.response()).status).toBe(500);
      expect(errors).toEqual([]);
    });

    it("cannot be answered by an error handler that leads to another ws(hooks)", async () => {
      const app = express();
      const errors = new Queue<unknown>();
      app.use(spryWs({ onError: (error) => errors.push(error) }));
      const store = new BrokenStore();
      app.use(session({ secret: "secret", resave: false, saveUninitialized: true, store }));
      app.ws("/chat", { message: (peer, message) => peer.send(message) });
      const other = ws({});
      const handler: ErrorRequestHandler = (_error, request, response, next) =>
        other(request, response, next);
      app.use(handler);
      await using server = await listen(app.listen(0, "127.0.0.1"));
      await using client = await Client.open(server.url("/chat"));
      expect(await errors.next()).toMatchObject({ code: "ERR_HTTP_HEADERS_SENT" });
      client.send("still here");
      expect(await client.next()).toBe("still here");
    });
  });

  it("calls back for what is written to a 101, which has no body", async () => {
    const app = express();
    const called: string[] = [];
    app.use(spryWs({ onError: () => {} }));
    app.get("/chat", (_request, response) => {
      response.status(101);
      response.write("body", () => called.push("write"));
      response.end(() => called.push("end"));
      response.end();
    });
    await using server = await listen(app);
    using client = await RawClient.connect(server.port, handshake({ target: "/chat" }));
    expect((await client.response()).status).toBe(500);
    await expect.poll(() => called).toEqual(["write", "end"]);
  });

  it.each([
    ["an object", { "Set-Cookie": ["a=1", "b=2"] }],
    ["a flat list", ["X-Other", "x", "Set-Cookie", "a=1", "set-cookie", "b=2"]],
  ])("puts the cookies on the 101 that middleware gives to writeHead as %s (C5)", async (_shape, headers) => {
    const app = express();
    app.use(spryWs());
    app.use((_request, response, next) => {
      const writeHead = response.writeHead.bind(response);
      response.writeHead = ((status: number) => writeHead(status, headers as string[])) as typeof writeHead;
      next();
    });
    app.ws("/chat", {});
    await using server = await listen(app);
    await using client = await Client.open(server.url("/chat"));
    expect((await client.response).headers["set-cookie"]).toEqual(["a=1", "b=2"]);
  });

  it("gives what an async fallback rejects with to the app's error handling", async () => {
    const app = express();
    const errors: unknown[] = [];
    app.use(spryWs());
    app.ws("/chat", {}, () => Promise.reject(new Error("fallback failed")));
    app.use(((error, _request, response, _next) => {
      errors.push(error);
      response.status(500).end();
    }) as ErrorRequestHandler);
    await using server = await listen(app);
    expect((await fetch(server.httpUrl("/chat"))).status).toBe(500);
    expect(errors).toMatchObject([{ message: "fallback failed" }]);
  });

  it("works on the server that supertest makes (E8)", async () => {
    const app = express();
    app.use(spryWs());
    app.ws(
      "/chat",
      tell(() => "socket"),
      (_request, response) => void response.send("page"),
    );
    await supertest(app).get("/chat").expect(200, "page");
    await using server = await listen(app);
    const request = supertest(server.server);
    await using client = await Client.open(server.url("/chat"));
    expect(await client.next()).toBe('"socket"');
    await request.get("/chat").expect(200, "page");
  });

  it("gives its instance as the middleware itself", async () => {
    const app = express();
    const spry = spryWs();
    app.use(spry);
    app.ws("/chat", { open: (peer) => peer.subscribe("news") });
    app.post("/news", (_request, response) => {
      spry.publish("news", "hello");
      response.sendStatus(204);
    });
    await using server = await listen(app.listen(0, "127.0.0.1"));
    await using client = await Client.open(server.url("/chat"));
    await fetch(server.httpUrl("/news"), { method: "POST" });
    expect(await client.next()).toBe("hello");
    expect((spry as SpryWs).peers.size).toBe(1);
    await spry.close();
    expect((await client.closed).code).toBe(1001);
  });

  it("ends app.listen's server with its callback and arguments as ever", async () => {
    const app = express();
    app.use(spryWs());
    const called = new Queue<string>();
    const server = app.listen(0, "127.0.0.1", () => called.push("listening"));
    await called.next();
    server.close();
    await once(server, "close");
  });
});
