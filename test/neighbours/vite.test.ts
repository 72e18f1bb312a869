import { createServer } from "node:http";
import { spryWs } from "@spry-ws/express";
import express5, { type Express } from "express";
import express4 from "express4";
import { describe, expect, it } from "vitest";
import { Client } from "../fixtures/client.ts";
import { type ListeningServer, listen } from "../fixtures/listen.ts";
import { handshake, RawClient } from "../fixtures/raw.ts";
import { vite } from "./fixtures/neighbours.ts";
import { chat, converse, get, within } from "./fixtures/open.ts";

type Running = ListeningServer & Pick<Awaited<ReturnType<typeof vite>>, "dev" | "converse">;

/** The setup of Vite's guide for a server of one's own: its middleware, our route, a page for every path. */
async function serve(
  express: typeof express5,
  appType: "spa" | "custom",
  isFirst: boolean,
): Promise<Running> {
  const app: Express = express();
  const server = createServer(app);
  const neighbour = await vite(server, { appType });
  const { dev, converse } = neighbour;
  const spry = spryWs({ handshakeTimeoutMs: 1_000 });
  app.use(spry);
  if (isFirst) app.use(dev.middlewares);
  app.ws("/chat", chat);
  if (!isFirst) app.use(dev.middlewares);
  app.use(async (request, response) => {
    const page = await dev.transformIndexHtml(request.originalUrl, "<!doctype html><title>page</title>");
    response.status(200).type("html").end(page);
  });
  spry.attach(server);
  const running = await listen(server);
  return {
    ...running,
    dev,
    converse,
    async [Symbol.asyncDispose]() {
      await neighbour[Symbol.asyncDispose]();
      await running[Symbol.asyncDispose]();
    },
  };
}

describe.each([
  ["express 4", express4],
  ["express 5", express5],
])("%s with vite.middlewares", (_name, express) => {
  async function expectAll(appType: "spa" | "custom", isFirst: boolean): Promise<void> {
    await using app = await serve(express, appType, isFirst);
    const host = `127.0.0.1:${app.port}`;
    const script = await get(app.httpUrl("/@vite/client"));
    expect(script.body).toContain(app.dev.config.webSocketToken);
    if (appType === "custom") expect((await get(app.httpUrl("/some/page"))).body).toContain("/@vite/client");
    await app.converse(host, () => converse(app.url("/chat")));
    await Promise.all([app.converse(host), app.converse(host), converse(app.url("/chat"))]);
  }

  it.each(["before", "behind"])("serves pages, hot updates and our routes: mounted %s those", (order) =>
    expectAll("custom", order === "before"),
  );

  // Its middleware for single-page apps makes "/index.html" of `request.url`, and its own listener then does not know it.
  it("serves pages, hot updates and our routes: mounted behind those, with appType spa", () =>
    expectAll("spa", false));

  it("answers Vite's pings", async () => {
    await using app = await serve(express, "custom", true);
    await using client = await Client.open(app.url("/"), { protocols: ["vite-ping"] });
    expect((await client.closed).code).toBe(1000);
  });

  it("leaves it to Vite to refuse a wrong token", async () => {
    await using app = await serve(express, "custom", true);
    const headers = { "Sec-WebSocket-Protocol": "vite-hmr", Origin: `http://127.0.0.1:${app.port}` };
    using client = await RawClient.connect(app.port, handshake({ target: "/?token=wrong", headers }));
    expect((await within(2_000, client.response())).status).toBe(400);
  });

  it("waits for nobody any more when Vite has been closed", async () => {
    await using app = await serve(express, "custom", false);
    await app.dev.close();
    using client = await RawClient.connect(app.port, handshake({ target: "/page" }));
    await within(900, client.response());
    await converse(app.url("/chat"));
  });
});
