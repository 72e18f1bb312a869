import { once } from "node:events";
import type { Server } from "node:http";
import type { SpryWs } from "@spry-ws/core";
import * as forExpress from "@spry-ws/express";
import spryWsFastify from "@spry-ws/fastify";
import * as forKoa from "@spry-ws/koa";
import express from "express";
import { fastify } from "fastify";
import Koa from "koa";
import type { Broker } from "./broker.ts";
import { createChat } from "./chat.ts";
import type { Framework } from "./contract.ts";
import { createWebsite } from "./pages.ts";

export interface Running {
  readonly spry: SpryWs;
  stop(): Promise<void>;
}

/** What a process is given: its port, those of all, and the broker. */
export interface Settings {
  readonly port: number;
  readonly ports: readonly number[];
  readonly broker: Broker;
}

/** Two options make one room of three processes: the backplane here, and the history of the service. */
const optionsWith = ({ ports, broker }: Settings) => ({
  backplane: broker.backplane,
  // A page goes on with another process when its own is killed.
  origin: ["same", ...originsOf(ports)],
  maxPayload: 8_192,
  rateLimit: { messages: 20 },
  shutdown: { deadlineMs: 2_000 },
});

const originsOf = (ports: readonly number[]): string[] =>
  ["localhost", "127.0.0.1"].flatMap((host) => ports.map((port) => `http://${host}:${port}`));

export const starters: Record<Framework, (settings: Settings) => Promise<Running>> = {
  async express(settings) {
    const { port, ports, broker } = settings;
    const app = express();
    const spry = forExpress.spryWs(optionsWith(settings));
    app.use(spry);
    app.ws("/chat", createChat(spry, broker.history, "express"));
    for (const [path, { headers, body }] of createWebsite(ports)) {
      app.get(path, (_request, response) => response.set(headers).send(body));
    }
    return running(spry, app.listen(port, "127.0.0.1"));
  },

  async fastify(settings) {
    const { port, ports, broker } = settings;
    const app = fastify({ forceCloseConnections: true });
    await app.register(spryWsFastify, optionsWith(settings));
    app.ws("/chat", createChat(app.spryWs, broker.history, "fastify"));
    for (const [path, { headers, body }] of createWebsite(ports)) {
      app.get(path, (_request, reply) => reply.headers(headers).send(body));
    }
    await app.listen({ port, host: "127.0.0.1" });
    return { spry: app.spryWs, stop: () => app.close() };
  },

  async koa(settings) {
    const { port, ports, broker } = settings;
    const app = new Koa();
    const spry = forKoa.spryWs(optionsWith(settings));
    app.use(spry);
    app.use(forKoa.ws("/chat", createChat(spry, broker.history, "koa")));
    const pages = createWebsite(ports);
    app.use((context) => {
      const page = pages.get(context.path);
      if (!page) return;
      context.set(page.headers);
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
