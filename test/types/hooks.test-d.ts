import Router from "@koa/router";
import {
  defineHooks,
  type Event,
  type Hooks,
  type HooksSource,
  Message,
  type Peer,
  type SpryWs,
} from "@spry-ws/core";
import * as express from "@spry-ws/express";
import fastifyPlugin, * as fastify from "@spry-ws/fastify";
import * as koa from "@spry-ws/koa";
import makeExpress, { type Request, type RequestHandler } from "express";
import makeFastify, { type FastifyRequest } from "fastify";
import Koa, { type Middleware } from "koa";
import { describe, expectTypeOf, it } from "vitest";

describe("defineHooks", () => {
  it("infers the context from what upgrade returns", () => {
    defineHooks({
      upgrade: () => ({ context: { user: "ada" } }),
      open: (peer) => expectTypeOf(peer.context).toEqualTypeOf<{ user: string }>(),
      message(peer, message) {
        expectTypeOf(peer).toEqualTypeOf<Peer<{ user: string }>>();
        expectTypeOf(message).toEqualTypeOf<Message>();
      },
      drain: (peer) => expectTypeOf(peer.context.user).toBeString(),
      close(peer, code, reason) {
        expectTypeOf(peer.context.user).toBeString();
        expectTypeOf(code).toBeNumber();
        expectTypeOf(reason).toBeString();
      },
      error(peer, error) {
        expectTypeOf(peer.context.user).toBeString();
        expectTypeOf(error).toBeUnknown();
      },
    });
  });

  it("infers it from an async upgrade that may refuse too", () => {
    defineHooks({
      async upgrade(event) {
        expectTypeOf(event).toEqualTypeOf<Event>();
        if (event.get("refused")) return new Response(null, { status: 401 });
        return { headers: { "X-A": "b" }, protocol: "v1", context: { id: 1 } };
      },
      open: (peer) => expectTypeOf(peer.context).toEqualTypeOf<{ id: number }>(),
    });
  });

  it("has an undefined context where upgrade gives none, and one that is named", () => {
    defineHooks({
      upgrade() {},
      open: (peer) => expectTypeOf(peer.context).toEqualTypeOf<undefined>(),
    });
    defineHooks({ open: (peer) => expectTypeOf(peer.context).toEqualTypeOf<undefined>() });
    defineHooks<{ id: number }>({ open: (peer) => expectTypeOf(peer.context.id).toBeNumber() });
  });

  it("refuses unknown hooks, and wrong data", () => {
    // @ts-expect-error there is no such hook
    defineHooks({ onMessage() {} });
    // @ts-expect-error an object is not data
    defineHooks({ open: (peer) => peer.send({ a: 1 }) });
    defineHooks({ open: (peer) => expectTypeOf(peer.send(Message.json({ a: 1 }))).toBeBoolean() });
  });
});

describe("adapters", () => {
  const chat = defineHooks({ upgrade: () => ({ context: { user: "ada" } }), message() {} });

  it("take hooks of any context, and functions that give them", () => {
    expectTypeOf(chat).toExtend<Hooks<{ user: string }>>();
    expectTypeOf(chat).toExtend<HooksSource>();
    expectTypeOf(express.ws(chat)).toEqualTypeOf<RequestHandler>();
    expectTypeOf(express.ws(async () => chat)).toEqualTypeOf<RequestHandler>();
    expectTypeOf(koa.ws(chat)).toEqualTypeOf<Middleware>();
    expectTypeOf(koa.ws("/chat", chat)).toEqualTypeOf<Middleware>();
  });

  it("augment their frameworks", () => {
    const expressApp = makeExpress();
    expressApp.use(express.spryWs({ maxPayload: 1 }));
    expressApp.ws("/chat", chat, (_request, response) => void response.end());
    makeExpress.Router().get("/:room", express.ws(chat));
    expectTypeOf(express.spryWs()).toExtend<SpryWs & RequestHandler>();

    const fastifyApp = makeFastify();
    fastifyApp.register(fastifyPlugin, { maxPayload: 1 });
    fastifyApp.ws("/chat", chat, async () => "page");
    fastifyApp.get("/:room", { ws: chat }, async () => "page");
    fastifyApp.route({ method: "GET", url: "/", ws: chat, handler: async () => "page" });
    expectTypeOf(fastifyApp.spryWs).toEqualTypeOf<SpryWs>();

    const koaApp = new Koa();
    koaApp.use(koa.spryWs()).use(koa.ws("/chat", chat));
    new Router().get("/:room", koa.ws(chat));
    expectTypeOf(koa.spryWs()).toExtend<SpryWs & Middleware>();
  });

  it("give the framework's own objects", () => {
    expectTypeOf(express.useExpressRequest).returns.toEqualTypeOf<Request>();
    expectTypeOf(fastify.useFastifyRequest).returns.toEqualTypeOf<FastifyRequest>();
    expectTypeOf(koa.useKoaContext).returns.toEqualTypeOf<Koa.Context>();
  });
});
