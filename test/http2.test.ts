import { once } from "node:events";
import type { RequestListener, Server } from "node:http";
import { connect as connectHttp2, createSecureServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { createSpryWs, defineHooks } from "@spry-ws/core";
import { spryWs as fastifySpryWs } from "@spry-ws/fastify";
import { spryWs as koaSpryWs, ws } from "@spry-ws/koa";
import { connect } from "@spry-ws/testing";
import Fastify from "fastify";
import Koa from "koa";
import { describe, expect, it } from "vitest";
import { certificate } from "./fixtures/certificate.ts";

const echo = defineHooks({ message: (peer, message) => peer.send(message) });
const options = { ...certificate, allowHTTP1: true };

interface Running {
  readonly server: Pick<Server, "address">;
  close(): unknown;
}

async function listen(listener: RequestListener, attach: (server: Server) => void): Promise<Running> {
  const server = createSecureServer(options, listener as never);
  attach(server as unknown as Server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server: server as unknown as Server, close: () => server.close() };
}

const apps: [string, () => Promise<Running>][] = [
  [
    "fastify",
    async () => {
      const app = Fastify({ http2: true, https: options });
      await app.register(fastifySpryWs);
      app.ws("/chat", echo);
      await app.listen({ port: 0, host: "127.0.0.1" });
      return { server: app.server as unknown as Server, close: () => app.close() };
    },
  ],
  [
    "koa",
    () => {
      const app = new Koa();
      const spry = koaSpryWs();
      app.use(spry).use(ws("/chat", echo));
      return listen(app.callback(), spry.attach);
    },
  ],
  [
    "node:http2",
    () => {
      const spry = createSpryWs();
      return listen(spry.handler(echo), (server) => spry.attach(server));
    },
  ],
];

/** The status of a plain GET over HTTP/2. */
async function statusOf(port: number, path: string): Promise<unknown> {
  const session = connectHttp2(`https://localhost:${port}`, { ca: certificate.cert });
  try {
    const [headers] = await once(session.request({ ":path": path }), "response");
    return headers[":status"];
  } finally {
    session.destroy();
  }
}

describe.each(apps)("a server of HTTP/2 that allows HTTP/1.1: %s", (_name, start) => {
  it("opens WebSockets over HTTP/1.1, and says over HTTP/2 that a route is one", async () => {
    const running = await start();
    const { port } = running.server.address() as AddressInfo;
    // Headers of HTTP/1.1 in this answer would be an exception that nobody catches.
    expect(await statusOf(port, "/chat")).toBe(426);
    const websocket = { ca: certificate.cert };
    await using client = await connect(`wss://localhost:${port}`, "/chat", { websocket });
    client.send("hello");
    expect(await client.text()).toBe("hello");
    await client.close();
    await running.close();
  });
});
