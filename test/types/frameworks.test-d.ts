import { createServer } from "node:http";
import { createSecureServer } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import Router from "@koa/router";
import { createSpryWs, defineHooks } from "@spry-ws/core";
import * as express from "@spry-ws/express";
import spryWs, * as fastify from "@spry-ws/fastify";
import * as koa from "@spry-ws/koa";
import { connect } from "@spry-ws/testing";
import makeExpress, { type Request, type RequestHandler, type Response } from "express";
import makeFastify, { type FastifyRequest } from "fastify";
import Koa from "koa";
import { pino } from "pino";
import { describe, expectTypeOf, it } from "vitest";

const chat = defineHooks({ upgrade: () => ({ context: { user: "ada" } }), message() {} });

describe("Express", () => {
  const app = makeExpress();

  it("takes a fallback with the types of its route", () => {
    const page = (request: Request<{ room: string }>, response: Response) =>
      void response.send(request.params.room);
    app.get("/:room", express.ws(chat, page));
    app.ws("/:room", chat, page);
    makeExpress.Router().get("/:room", express.ws(chat, page));
    const search = (request: Request<{ room: string }, string, never, { q: string }>, response: Response) =>
      void response.send(request.query.q);
    app.get("/:room", express.ws(chat, search));
    app.ws("/:room", chat, search);
  });

  it("takes a fallback that is written there", () => {
    app.get(
      "/:room",
      express.ws(chat, (request, response) => void response.send(request.params["room"])),
    );
    expectTypeOf(express.ws(chat)).toEqualTypeOf<RequestHandler>();
  });
});

describe("Fastify", () => {
  it("goes with servers of HTTP/2", async () => {
    const app = makeFastify({ http2: true });
    await app.register(spryWs, { maxPayload: 1 });
    app.ws("/chat", chat);
    app.ws("/chat", chat, async (request) => {
      expectTypeOf(request.raw.stream.id).toEqualTypeOf<number | undefined>();
      return "page";
    });
    app.get("/:room", fastify.ws(chat));
    app.get(
      "/:room",
      fastify.ws(chat, async () => "page"),
    );
    app.get("/:room", { ws: chat }, async () => "page");
    app.route({ method: "GET", url: "/", ws: chat, handler: async () => "page" });
    app.register(async (child) => {
      child.ws("/chat", chat);
      child.get("/:room", fastify.ws(chat));
    });
    const secure = makeFastify({ http2: true, https: {} });
    secure.register(spryWs);
    secure.ws("/chat", chat);
    secure.get("/:room", fastify.ws(chat));
    const https = makeFastify({ https: {} });
    https.register(spryWs);
    https.ws("/chat", chat);
    https.get("/:room", fastify.ws(chat));
  });

  it("goes with a logger of the user's own", async () => {
    const app = makeFastify({ loggerInstance: pino() });
    await app.register(spryWs, { maxPayload: 1 });
    app.ws("/chat", chat, async (request) => {
      request.log.child({}, { level: "info" });
      return "page";
    });
    app.get("/:room", fastify.ws(chat));
    app.get("/:room", { ws: chat }, async () => "page");
    app.register(async (child) => child.get("/:room", fastify.ws(chat)));
  });

  it("takes a fallback with the types of its route, and one handler for apps of any kind", () => {
    const app = makeFastify();
    app.register(spryWs);
    app.get<{ Params: { room: string } }>(
      "/:room",
      fastify.ws(chat, async (request) => {
        expectTypeOf(request.params.room).toEqualTypeOf<string>();
        return request.params.room;
      }),
    );
    const page = async (request: FastifyRequest<{ Params: { room: string } }>) => request.params.room;
    app.get("/:room", fastify.ws(chat, page));
    app.ws("/:room", chat, page);
    const handler = fastify.ws(chat);
    app.get("/a", handler);
    makeFastify({ http2: true }).get("/a", handler);
    makeFastify({ loggerInstance: pino() }).get("/a", handler);
  });
});

describe("Koa", () => {
  interface State {
    user: string;
  }
  interface Custom {
    tenant: number;
  }

  it("goes with apps that have a state and a context of their own", () => {
    const page: Koa.Middleware<State, Custom> = (ctx) => {
      ctx.body = `${ctx.state.user} of ${ctx.tenant}`;
    };
    const app = new Koa<State, Custom>();
    app.use(koa.spryWs());
    app.use(koa.ws("/chat", chat));
    app.use(koa.ws("/chat", chat, page));
    app.use(koa.ws(chat));
    app.use(koa.ws(chat, page));
    new Router<State, Custom>().get("/:room", koa.ws(chat));
    new Router<State, Custom>().get("/:room", koa.ws(chat, page));
    const handler = koa.ws(chat);
    app.use(handler);
    new Koa().use(handler);
  });

  it("leaves the types of the middleware behind it as they are", () => {
    new Koa<State, Custom>()
      .use(koa.spryWs())
      .use(koa.ws("/chat", chat))
      .use((ctx) => {
        expectTypeOf(ctx.state).toEqualTypeOf<State>();
        expectTypeOf(ctx.tenant).toEqualTypeOf<number>();
      });
  });
});

describe("servers", () => {
  it("are attached whatever made them, and take the handler", () => {
    const spry = createSpryWs();
    spry.attach(createServer());
    spry.attach(createHttpsServer());
    spry.attach(createSecureServer({ allowHTTP1: true }));
    express.spryWs().attach(createSecureServer({ allowHTTP1: true }));
    createServer(spry.handler(chat));
    createHttpsServer(spry.handler(chat));
    createSecureServer({ allowHTTP1: true }, spry.handler(chat));
    // @ts-expect-error an app is no server
    spry.attach(makeExpress());
  });

  it("are connected to in tests whatever made them", () => {
    expectTypeOf(connect).toBeCallableWith(makeFastify({ http2: true, https: {} }), "/chat");
    expectTypeOf(connect).toBeCallableWith(makeFastify({ loggerInstance: pino() }), "/chat");
    expectTypeOf(connect).toBeCallableWith(new Koa<{ user: string }, { tenant: number }>(), "/chat");
    expectTypeOf(connect).toBeCallableWith(createSecureServer({ allowHTTP1: true }), "/chat");
    expectTypeOf(connect).toBeCallableWith(createSpryWs().handler(chat), "/chat");
  });
});
