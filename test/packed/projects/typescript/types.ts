// What users write, compiled only: by every version of TypeScript that projects.mjs names.
import { createServer } from "node:http";
import { createSecureServer } from "node:http2";
import { createSpryWs } from "@spry-ws/core";
import * as express from "@spry-ws/express";
import { defineHooks, type Event, type Hooks, type Peer } from "@spry-ws/express";
import spryWs, * as fastify from "@spry-ws/fastify";
import * as koa from "@spry-ws/koa";
import makeExpress, { type Response as ExpressResponse, type Request } from "express";
import makeFastify from "fastify";
import Koa from "koa";
import { pino } from "pino";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function assert<_T extends true>(): void {}

const chat = defineHooks({
  upgrade: (event) => {
    if (event.get("refused")) return new Response(null, { status: 401 });
    return { context: { user: "ada" } };
  },
  open(peer) {
    assert<Same<typeof peer.context, { user: string }>>();
  },
});
assert<Same<typeof chat, Hooks<{ user: string }>>>();

defineHooks({
  async upgrade(event) {
    if (event.get("guest")) return;
    return { context: { user: "ada" } };
  },
  message(peer) {
    assert<Same<typeof peer.context, { user: string } | undefined>>();
  },
});
defineHooks({
  open: (peer) => assert<Same<typeof peer.context, number>>(),
  upgrade: (event: Event) => ({ context: event.get<number>("n") ?? 0 }),
});
defineHooks<{ id: number }>({
  open: (peer) => assert<Same<typeof peer.context, { id: number }>>(),
  upgrade: () => ({ context: { id: 1 } }),
});
// @ts-expect-error to keep a value for the other hooks write { context: { … } }
defineHooks({ upgrade: () => ({ user: "ada" }) });
// @ts-expect-error the same
express.ws({ upgrade: async () => ({ user: "ada" }) });
// @ts-expect-error there is no such hook
defineHooks({ onMessage() {} });

const page = (request: Request<{ room: string }>, response: ExpressResponse) =>
  void response.send(request.params.room);
const app = makeExpress();
app.use(express.spryWs());
app.get("/:room", express.ws(chat, page));
app.ws("/:room", chat, page);
app.ws("/inline", {
  upgrade: () => ({ context: 1 }),
  open: (peer: Peer<number>) => peer.context.toFixed(),
});

const secure = makeFastify({ http2: true });
secure.register(spryWs, { maxPayload: 1 });
secure.get("/a", fastify.ws(chat));
secure.get("/b", { ws: chat }, async () => "page");
const logging = makeFastify({ loggerInstance: pino() });
logging.register(spryWs).after(() => logging.ws("/chat", chat, async () => "page"));
logging.get(
  "/:room",
  fastify.ws(chat, async (request) => request.log.level),
);

new Koa<{ user: string }, { tenant: number }>()
  .use(koa.spryWs())
  .use(koa.ws("/chat", chat))
  .use((ctx) => {
    assert<Same<typeof ctx.state, { user: string }>>();
  });

const spry = createSpryWs();
spry.attach(createServer(spry.handler(chat)));
spry.attach(createSecureServer({ allowHTTP1: true }, spry.handler(chat)));
