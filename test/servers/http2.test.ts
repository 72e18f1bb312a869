import { once } from "node:events";
import { connect as connectHttp2, createSecureServer, type Http2SecureServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { createSpryWs, defineHooks } from "@spry-ws/core";
import { spryWs as fastifySpryWs } from "@spry-ws/fastify";
import { spryWs as koaSpryWs, ws } from "@spry-ws/koa";
import { connect } from "@spry-ws/testing";
import Fastify from "fastify";
import Koa from "koa";
import { describe, expect, it } from "vitest";
import { certificate } from "../fixtures/certificate.ts";

const echo = defineHooks({ message: (peer, message) => peer.send(message) });
const options = { ...certificate, allowHTTP1: true };

interface Running {
  readonly server: Http2SecureServer;
  close(): unknown;
}

async function listen(server: Http2SecureServer): Promise<Running> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, close: () => server.close() };
}

const apps: [string, () => Promise<Running>][] = [
  [
    "fastify",
    async () => {
      const app = Fastify({ http2: true, https: options });
      await app.register(fastifySpryWs);
      app.ws("/chat", echo);
      await app.listen({ port: 0, host: "127.0.0.1" });
      return { server: app.server, close: () => app.close() };
    },
  ],
  [
    "koa",
    () => {
      const app = new Koa();
      const spry = koaSpryWs();
      app.use(spry).use(ws("/chat", echo));
      const server = createSecureServer(options, app.callback());
      spry.attach(server);
      return listen(server);
    },
  ],
  [
    "node:http2",
    () => {
      const spry = createSpryWs();
      const server = createSecureServer(options, spry.handler(echo));
      spry.attach(server);
      return listen(server);
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
    await using again = await connect(running.server, "/chat");
    again.send("hello");
    expect(await again.text()).toBe("hello");
    await again.close();
    await running.close();
  });
});

it("is connected to in memory where an app of HTTP/2 does not listen", async () => {
  const app = Fastify({ http2: true, https: options });
  await app.register(fastifySpryWs);
  app.ws("/chat", echo);
  await using client = await connect(app, "/chat");
  client.send("hello");
  expect(await client.text()).toBe("hello");
  await client.close();
  await app.close();
});
