import { once } from "node:events";
import type { Server } from "node:http";
import type { Backplane, SpryWs } from "@spry-ws/core";
import * as forExpress from "@spry-ws/express";
import spryWsFastify from "@spry-ws/fastify";
import * as forKoa from "@spry-ws/koa";
import express from "express";
import { fastify } from "fastify";
import Koa from "koa";
import { chat, type Framework } from "./chat.ts";
import { pages } from "./pages.ts";

export interface Running {
  readonly spry: SpryWs;
  stop(): Promise<void>;
}

/** One option makes one room of three processes. */
const optionsWith = (backplane: Backplane) => ({
  backplane,
  maxPayload: 8_192,
  rateLimit: { messages: 20 },
  shutdown: { deadlineMs: 2_000 },
});

export const starters: Record<Framework, (port: number, backplane: Backplane) => Promise<Running>> = {
  async express(port, backplane) {
    const app = express();
    const spry = forExpress.spryWs(optionsWith(backplane));
    app.use(spry);
    app.ws("/chat", chat("express"));
    for (const [path, { type, body }] of pages) {
      app.get(path, (_request, response) => response.type(type).send(body));
    }
    return running(spry, app.listen(port, "127.0.0.1"));
  },

  async fastify(port, backplane) {
    const app = fastify({ forceCloseConnections: true });
    await app.register(spryWsFastify, optionsWith(backplane));
    app.ws("/chat", chat("fastify"));
    for (const [path, { type, body }] of pages) {
      app.get(path, (_request, reply) => reply.type(type).send(body));
    }
    await app.listen({ port, host: "127.0.0.1" });
    return { spry: app.spryWs, stop: () => app.close() };
  },

  async koa(port, backplane) {
    const app = new Koa();
    const spry = forKoa.spryWs(optionsWith(backplane));
    app.use(spry);
    app.use(forKoa.ws("/chat", chat("koa")));
    app.use((context) => {
      const page = pages.get(context.path);
      if (!page) return;
      context.type = page.type;
      context.body = page.body;
    });
    const server = app.listen(port, "127.0.0.1");
    spry.attach(server);
    return running(spry, server);
  },
};

async function running(spry: SpryWs, server: Server): Promise<Running> {
  await once(server, "listening");
  return {
    spry,
    async stop() {
      server.close();
      await spry.close();
      server.closeAllConnections();
    },
  };
}
