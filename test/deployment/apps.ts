import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { defineHooks, getClientAddress, Message, type SpryWsOptions, useRequestURI } from "@spry-ws/core";
import { spryWs as expressWs } from "@spry-ws/express";
import { spryWs as fastifyWs } from "@spry-ws/fastify";
import { spryWs as koaWs, ws } from "@spry-ws/koa";
import express from "express";
import fastify from "fastify";
import Koa from "koa";

/** An app behind a proxy on this machine, which it trusts as the documentation says. */
export interface App extends AsyncDisposable {
  readonly port: number;
}

/** Says who asked for what, and then sends everything back. */
const echo = defineHooks({
  upgrade(event) {
    if (useRequestURI(event).searchParams.has("stranger")) {
      return new Response("who are you?", { status: 401, headers: { "X-Why": "unknown" } });
    }
    return new Headers({ "Set-Cookie": "seen=1" });
  },
  open(peer) {
    peer.send(Message.json({ uri: useRequestURI(peer), address: getClientAddress(peer) }));
  },
  message(peer, message) {
    peer.send(message);
  },
});

export const apps: Readonly<Record<string, (options: SpryWsOptions) => Promise<App>>> = {
  async Express(options) {
    const app = express();
    app.set("trust proxy", "loopback");
    const spry = expressWs(options);
    app.use(spry);
    app.ws("/chat", echo);
    return listening(app.listen(0, "127.0.0.1"), () => spry.close());
  },
  async Fastify(options) {
    const app = fastify({ trustProxy: "127.0.0.1", forceCloseConnections: true });
    await app.register(fastifyWs, options);
    app.ws("/chat", echo);
    await app.listen({ port: 0, host: "127.0.0.1" });
    return listening(app.server, () => app.spryWs.close());
  },
  async Koa(options) {
    const app = new Koa({ proxy: true, maxIpsCount: 1 });
    const spry = koaWs(options);
    app.use(spry);
    app.use(ws("/chat", echo));
    const server = app.listen(0, "127.0.0.1");
    spry.attach(server);
    return listening(server, () => spry.close());
  },
};

async function listening(server: Server, close: () => Promise<void>): Promise<App> {
  if (!server.listening) await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      await close();
      server.close();
      server.closeAllConnections();
    },
  };
}
