import Router from "@koa/router";
import {
  type CheckedResult,
  createSpryWs,
  defineHooks,
  type Event,
  type Hooks,
  type HooksSource,
  type InferredContext,
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

  it("has undefined in the context where a path of upgrade gives none", () => {
    interface User {
      name: string;
    }
    const user = (event: Event) => event.get<User>("user");
    defineHooks({
      upgrade(event) {
        const found = user(event);
        if (!found) return;
        return { context: { user: found } };
      },
      open: (peer) => expectTypeOf(peer.context).toEqualTypeOf<{ user: User } | undefined>(),
    });
    defineHooks({
      async upgrade(event) {
        const found = user(event);
        if (!found) return new Headers({ "X-Guest": "1" });
        return { context: found };
      },
      message: (peer) => expectTypeOf(peer.context).toEqualTypeOf<User | undefined>(),
    });
    defineHooks({
      upgrade(event) {
        const found = user(event);
        return found ? { protocol: "v1", context: found } : { protocol: "v1" };
      },
      close: (peer) => expectTypeOf(peer.context).toEqualTypeOf<User | undefined>(),
    });
    defineHooks({
      upgrade(event) {
        if (event.get("guest")) return { context: "guest" };
        return { context: user(event) };
      },
      drain: (peer) => expectTypeOf(peer.context).toEqualTypeOf<User | string | undefined>(),
    });
  });

  it("leaves out of the context what a path that refuses returns or throws", () => {
    defineHooks({
      upgrade(event) {
        if (event.get("a")) return new Response(null, { status: 401 });
        if (event.get("b")) throw new Response(null, { status: 403 });
        return { context: { id: 1 } };
      },
      open: (peer) => expectTypeOf(peer.context).toEqualTypeOf<{ id: number }>(),
    });
  });

  it("takes an upgrade anywhere that needs no other hook to be typed", () => {
    defineHooks({
      open: (peer) => expectTypeOf(peer.context).toEqualTypeOf<{ id: number }>(),
      upgrade: () => ({ context: { id: 1 } }),
    });
    defineHooks({
      open(peer) {
        expectTypeOf(peer.context).toEqualTypeOf<{ id: number }>();
      },
      async upgrade(event: Event) {
        if (event.get("refused")) return new Response(null, { status: 401 });
        return { context: { id: 1 } };
      },
    });
    defineHooks({
      open: (peer) => expectTypeOf(peer.context).toEqualTypeOf<undefined>(),
      upgrade(event) {
        if (event.get("refused")) return new Response(null, { status: 401 });
        return { protocol: "v1" };
      },
    });
  });

  it("says where upgrade has to stand", () => {
    defineHooks({
      open: (peer) => expectTypeOf(peer.context).toEqualTypeOf<undefined>(),
      // @ts-expect-error "write upgrade above the hooks that use its context, or type its parameter: upgrade(event: Event)"
      upgrade(event) {
        return { context: event.get("user") };
      },
    });
  });

  it("says what to write for a value of its own", () => {
    const user = "ada";
    // @ts-expect-error "to keep a value for the other hooks write { context: { … } }"
    defineHooks({ upgrade: () => ({ user }) });
    // @ts-expect-error the same from one path of several, and beside what is right
    defineHooks({ upgrade: async (event) => (event.get("a") ? undefined : { protocol: "v1", user }) });
    // @ts-expect-error and where the context is named
    defineHooks<{ user: string }>({ upgrade: () => ({ user }) });
    // @ts-expect-error these are no headers
    defineHooks({ upgrade: () => ({ headers: 5 }) });
    // @ts-expect-error a string means nothing
    defineHooks({ upgrade: () => "accepted" });
    expectTypeOf<CheckedResult<InferredContext, Promise<{ user: string }>>>().toEqualTypeOf<
      Promise<{ user: "to keep a value for the other hooks write { context: { … } }" }>
    >();
  });

  it("types what upgrade returns", () => {
    defineHooks({
      upgrade: () => ({ headers: [["X-A", "b"]], context: ["ada", 1] as const }),
      open: (peer) => expectTypeOf(peer.context).toEqualTypeOf<readonly ["ada", 1]>(),
    });
  });

  it("keeps the context of hooks that are given a type", () => {
    class Chat {
      upgrade(_event: Event) {
        return { context: 1 };
      }
      open(_peer: Peer<number>): void {}
    }
    expectTypeOf(defineHooks(new Chat())).toEqualTypeOf<Hooks<number>>();
    function logged<Context>(hooks: Hooks<Context>): Hooks<Context> {
      return { ...hooks, open: (peer) => hooks.open?.(peer) };
    }
    const own = defineHooks({ upgrade: () => ({ context: 1 }) });
    expectTypeOf(logged(own)).toEqualTypeOf<Hooks<number>>();
    // biome-ignore lint/suspicious/noExplicitAny: what a user may write
    defineHooks<any>({ open: (peer) => peer.context.whatever.it.is });
    defineHooks<unknown>({ open: (peer) => expectTypeOf(peer.context).toBeUnknown() });
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
  const own = {
    upgrade: (event: Event) => (event.get("guest") ? undefined : { context: { user: "ada" } }),
    open: (_peer: Peer<{ user: string } | undefined>) => {},
  };

  it("infer the context of hooks that are written there", () => {
    type Expected = { user: string } | undefined;
    const open = (peer: Peer<Expected>) => expectTypeOf(peer.context).toEqualTypeOf<Expected>();
    const { upgrade } = own;
    express.ws({ upgrade, open: (peer) => open(peer) });
    express.ws(() => ({ upgrade, open: (peer) => open(peer) }));
    makeExpress().ws("/chat", { upgrade, open: (peer) => open(peer) });
    fastify.ws({ upgrade, open: (peer) => open(peer) });
    makeFastify().ws("/chat", { upgrade, open: (peer) => open(peer) });
    koa.ws({ upgrade, open: (peer) => open(peer) });
    koa.ws("/chat", { upgrade, open: (peer) => open(peer) });
    createSpryWs().handler({ upgrade, open: (peer) => open(peer) });
    const user = "ada";
    // @ts-expect-error "to keep a value for the other hooks write { context: { … } }"
    express.ws({ upgrade: () => ({ user }) });
    // @ts-expect-error the same
    koa.ws("/chat", { upgrade: () => ({ user }) });
    // @ts-expect-error the same
    makeFastify().ws("/chat", { upgrade: () => ({ user }) });
    // @ts-expect-error there is no such hook
    createSpryWs().handler({ onMessage() {} });
  });

  it("take hooks of any context, and functions that give them", () => {
    expectTypeOf(chat).toExtend<Hooks<{ user: string }>>();
    expectTypeOf(chat).toExtend<HooksSource>();
    const handler = express.ws(chat);
    expectTypeOf(handler).toEqualTypeOf<RequestHandler>();
    const handlerOfMany = express.ws(async () => chat);
    expectTypeOf(handlerOfMany).toEqualTypeOf<RequestHandler>();
    expectTypeOf(koa.ws(chat)).toExtend<Middleware>();
    expectTypeOf(koa.ws("/chat", chat)).toExtend<Middleware>();
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
