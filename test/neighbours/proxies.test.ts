import { createServer, type RequestListener } from "node:http";
import httpProxy from "@fastify/http-proxy";
import { spryWs } from "@spry-ws/express";
import forFastify from "@spry-ws/fastify";
import express5 from "express";
import express4 from "express4";
import Fastify, { type FastifyInstance } from "fastify";
import { createProxyMiddleware } from "http-proxy-middleware";
import { describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { Client } from "../fixtures/client.ts";
import { type ListeningServer, listen } from "../fixtures/listen.ts";
import { handshake, RawClient } from "../fixtures/raw.ts";
import { chat, converse, within } from "./fixtures/open.ts";

/** Another server, to which a proxy leads. */
interface Upstream extends ListeningServer {
  /** What it has seen, in order. */
  readonly log: string[];
  readonly origin: string;
}

/** A server of `ws`, which answers plain requests with 426 as `new WebSocketServer({ port })` does. */
async function upstream(): Promise<Upstream> {
  const log: string[] = [];
  const listener: RequestListener = (_request, response) => {
    log.push("plain");
    response.writeHead(426).end("Upgrade Required");
  };
  const server = createServer(listener);
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (websocket) => {
    log.push("open");
    websocket.on("message", (data) => websocket.send(`upstream: ${data}`));
  });
  const listening = await listen(server);
  return Object.assign(listening, { log, origin: `http://127.0.0.1:${listening.port}` });
}

async function converseWithUpstream(url: string): Promise<void> {
  await using client = await Client.open(url);
  client.send("one");
  expect(await client.next()).toBe("upstream: one");
}

describe("@fastify/http-proxy", () => {
  interface Proxied extends AsyncDisposable {
    readonly app: FastifyInstance;
    readonly up: Upstream;
    url(path: string): string;
  }

  async function serve(order: "before" | "after", options: { path?: string } = {}): Promise<Proxied> {
    const up = await upstream();
    const app = Fastify({ forceCloseConnections: true });
    const proxy = (): PromiseLike<unknown> =>
      app.register(httpProxy, { upstream: up.origin, prefix: "/up", websocket: true });
    if (order === "before") await proxy();
    await app.register(forFastify, { ...options, handshakeTimeoutMs: 2_000 });
    app.ws("/chat", chat);
    if (order === "after") await proxy();
    const address = await app.listen({ port: 0, host: "127.0.0.1" });
    return {
      app,
      up,
      url: (path) => address.replace("http:", "ws:") + path,
      async [Symbol.asyncDispose]() {
        await app.close();
        await up[Symbol.asyncDispose]();
      },
    };
  }

  it.each(["before", "after"] as const)("gets its handshakes, registered %s ours", async (order) => {
    await using proxied = await serve(order);
    await within(1_500, converseWithUpstream(proxied.url("/up/x")));
    await converse(proxied.url("/chat"));
    expect(proxied.app.spryWs.metrics()).toMatchObject({ accepted: 1, forwarded: 1 });
  });

  it("and its upstream no plain requests of ours, with the option path", async () => {
    await using proxied = await serve("after", { path: "/chat" });
    await converseWithUpstream(proxied.url("/up/x"));
    await converse(proxied.url("/chat"));
    expect(proxied.up.log).toEqual(["open"]);
  });
});

describe.each([
  ["express 4", express4],
  ["express 5", express5],
])("http-proxy-middleware with %s", (_name, express) => {
  interface Proxied extends ListeningServer {
    readonly up: Upstream;
    readonly errors: unknown[];
  }

  async function serve(options: { path?: string; handshakeTimeoutMs?: number }): Promise<Proxied> {
    const up = await upstream();
    const app = express();
    const errors: unknown[] = [];
    const spry = spryWs({ ...options, onError: (error) => errors.push(error) });
    const proxy = createProxyMiddleware({ target: up.origin });
    app.use(spry);
    app.use("/up", proxy);
    app.ws("/chat", chat);
    const server = createServer(app);
    server.on("upgrade", proxy.upgrade);
    spry.attach(server);
    const listening = await listen(server);
    return {
      ...listening,
      up,
      errors,
      async [Symbol.asyncDispose]() {
        await listening[Symbol.asyncDispose]();
        await up[Symbol.asyncDispose]();
      },
    };
  }

  it("gets its handshakes with the option path and its upgrade listener, and upstream no others", async () => {
    await using proxied = await serve({ path: "/chat" });
    await converseWithUpstream(proxied.url("/up/x"));
    await converse(proxied.url("/chat"));
    expect(proxied.up.log).toEqual(["open"]);
    expect(proxied.errors).toEqual([]);
  });

  it("takes them for plain requests otherwise, and the log says what to write", async () => {
    await using proxied = await serve({ handshakeTimeoutMs: 100 });
    using client = await RawClient.connect(proxied.port, handshake({ target: "/up/x" }));
    expect((await client.response()).status).toBe(408);
    expect(proxied.errors).toMatchObject([
      { code: "SPRY_WS_UNROUTED", message: expect.stringContaining('server.on("upgrade", proxy.upgrade)') },
    ]);
  });
});
