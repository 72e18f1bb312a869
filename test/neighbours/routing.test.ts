import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import * as forExpress from "@spry-ws/express";
import * as forFastify from "@spry-ws/fastify";
import * as forKoa from "@spry-ws/koa";
import compression from "compression";
import express5, { type Express, type RequestHandler } from "express";
import express4 from "express4";
import Fastify, { type FastifyInstance, type FastifyServerOptions } from "fastify";
import Koa3, { type Middleware } from "koa";
import mount from "koa-mount";
import Koa2 from "koa2";
import { describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { Client } from "../fixtures/client.ts";
import { type ListeningServer, listen } from "../fixtures/listen.ts";
import { handshake, RawClient } from "../fixtures/raw.ts";
import { chat, converse } from "./fixtures/open.ts";

/** An app that has `/chat`, and answers everything else in one of the ways frameworks have for that. */
interface App {
  readonly name: string;
  /** Its server, our instance attached. */
  build(): Server | Promise<Server>;
}

const pageFile = import.meta.filename;
const options = { handshakeTimeoutMs: 100 };

function expressApp(express: typeof express5, use: (app: Express) => unknown): () => Server {
  return () => {
    const app = express();
    const spry = forExpress.spryWs(options);
    app.use(spry);
    app.ws("/chat", chat);
    use(app);
    const server = createServer(app);
    spry.attach(server);
    return server;
  };
}

function koaApp(Koa: typeof Koa3, ...middleware: Middleware[]): () => Server {
  return () => {
    const app = new Koa();
    app.silent = true;
    const spry = forKoa.spryWs(options);
    app.use(spry);
    app.use(forKoa.ws("/chat", chat));
    for (const one of middleware) app.use(one);
    const server = createServer(app.callback());
    spry.attach(server);
    return server;
  };
}

function fastifyApp(use: (app: FastifyInstance) => unknown, settings: FastifyServerOptions = {}) {
  return async (): Promise<Server> => {
    const app = Fastify(settings);
    await app.register(forFastify.spryWs, options);
    app.ws("/chat", chat);
    use(app);
    await app.ready();
    return app.server;
  };
}

function koaApi(Koa: typeof Koa3, answer: Middleware): Middleware {
  const api = new Koa();
  api.use(answer);
  return mount("/api", api);
}

const noSuch: RequestHandler = (_request, response) => void response.status(404).json({ error: "no such" });
const toIndex: RequestHandler = (request, _response, next) => {
  request.url = "/index.html";
  next();
};
const throws: Middleware = (ctx) => ctx.throw(404, "no such");
const answers: Middleware = (ctx) => {
  ctx.status = 404;
  ctx.body = "no such";
};

const expressVersions = { "express 4": express4, "express 5": express5 };
const koaVersions = { "koa 2": Koa2, "koa 3": Koa3 };

/** Apps whose routers or settings change `request.url`: a neighbour must see what the client sent. */
const rewriting: App[] = [
  ...Object.entries(expressVersions).flatMap(([version, express]) => [
    {
      name: `${version}, a 404 of a mounted handler`,
      build: expressApp(express, (app) => app.use("/api", noSuch)),
    },
    {
      name: `${version}, a 404 of a mounted app`,
      build: expressApp(express, (app) => app.use("/api", express().use(noSuch))),
    },
    { name: `${version}, a history fallback`, build: expressApp(express, (app) => app.use(toIndex, noSuch)) },
  ]),
  {
    name: "fastify 5, rewriteUrl",
    build: fastifyApp(() => {}, { rewriteUrl: ({ url = "/" }) => url.replace("/api", "") }),
  },
];

const keeping: App[] = [
  ...Object.entries(koaVersions).flatMap(([version, Koa]) => [
    { name: `${version}, a 404 of a mounted app`, build: koaApp(Koa, koaApi(Koa, answers)) },
    { name: `${version}, a 404 thrown in a mounted app`, build: koaApp(Koa, koaApi(Koa, throws)) },
  ]),
  {
    name: "fastify 5, a prefix with a 404 handler of its own",
    build: fastifyApp((app) =>
      app.register(async (api) => api.setNotFoundHandler(async () => "no such"), { prefix: "/api" }),
    ),
  },
];

/** Apps whose catch-all gives a page in pieces. */
const paging: App[] = [
  ...Object.entries(expressVersions).flatMap(([version, express]) => [
    {
      name: `${version}, sendFile`,
      build: expressApp(express, (app) => app.use((_request, response) => response.sendFile(pageFile))),
    },
    {
      name: `${version}, a pipe behind compression()`,
      build: expressApp(express, (app) =>
        app.use(compression(), (_request, response) => createReadStream(pageFile).pipe(response)),
      ),
    },
  ]),
  ...Object.entries(koaVersions).map(([version, Koa]) => ({
    name: `${version}, a stream as body`,
    build: koaApp(Koa, (ctx) => {
      ctx.body = createReadStream(pageFile);
    }),
  })),
  {
    name: "fastify 5, a stream as reply",
    build: fastifyApp((app) => app.get("/*", (_request, reply) => reply.send(createReadStream(pageFile)))),
  },
];

/** The app beside a neighbour that serves `/api/theirs` and ignores everything else. */
async function withNeighbour({ build }: App): Promise<ListeningServer> {
  const server = await build();
  const sockets = new WebSocketServer({ noServer: true });
  server.on("upgrade", (request, socket, head) => {
    if (request.url === "/api/theirs?a=1")
      sockets.handleUpgrade(request, socket, head, (websocket) => websocket.send("theirs"));
  });
  return listen(server);
}

async function expectBoth(app: App): Promise<void> {
  await using server = await withNeighbour(app);
  await using theirs = await Client.open(server.url("/api/theirs?a=1"), { handshakeTimeout: 2_000 });
  expect(await theirs.next()).toBe("theirs");
  await converse(server.url("/chat"));
}

describe("a neighbour sees the URL that the client sent", () => {
  it.each(rewriting)("$name", expectBoth);
  it.each(keeping)("$name", expectBoth);
});

describe("a catch-all's page in pieces", () => {
  it.each(paging)("is held back from a neighbour's handshake: $name", expectBoth);

  it.each(paging)("comes whole where the neighbour ignores the handshake: $name", async (app) => {
    await using server = await withNeighbour(app);
    using client = await RawClient.connect(server.port, handshake({ target: "/unknown" }));
    const { status, body } = await client.response();
    expect(status).toBe(200);
    expect(body).toBe(await readFile(pageFile, "utf8"));
  });
});
