import { createServer, type Server } from "node:http";
import { connect as connectTcp, createServer as createTcpServer } from "node:net";
import { defineHooks, type HooksSource, spryWs } from "@spry-ws/express";
import * as forFastify from "@spry-ws/fastify";
import { connect, refused } from "@spry-ws/testing";
import express from "express";
import { fastify } from "fastify";
import { createClient } from "graphql-ws";
import { expect, it, onTestFinished, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { WebsocketProvider } from "y-websocket";
import { Doc } from "yjs";
import { expressFive } from "../adapters/express.ts";
import { listen } from "../fixtures/listen.ts";
import { serve } from "../fixtures/serve.ts";
import { describePage, type Run } from "./page.ts";

const chat = defineHooks({
  open(peer) {
    peer.subscribe("chat");
    peer.send("welcome");
  },
  message: (peer, message) => peer.publish("chat", message),
});

describePage("docs/guide/neighbours.md", (recipe) => {
  recipe("Beside other libraries", (run) => {
    it("leaves other paths to another library, whatever middleware thinks of them", async () => {
      const running = await run<{ server: Server }>({ give: { chat }, take: ["server"] });
      const other = new WebSocketServer({ server: running.names.server, path: "/other" });
      other.on("connection", (socket) => socket.send("theirs"));
      await using ours = await connect(running.url, "/chat");
      await using theirs = await connect(running.url, "/other");
      expect([await ours.text(), await theirs.text()]).toEqual(["welcome", "theirs"]);
    });
  });

  function keepsApart(run: Run): void {
    it("keeps the peers of the parts apart, and their origins", async () => {
      const { url } = await run({ give: { chat } });
      const admin = { headers: { origin: "https://admin.example" } };
      await using one = await connect(url, "/shop/chat");
      await using two = await connect(url, "/shop/chat");
      await using other = await connect(url, "/admin/chat", admin);
      for (const client of [one, two, other]) expect(await client.text()).toBe("welcome");
      one.send("hello");
      expect(await two.text()).toBe("hello");
      await other.ping();
      expect(other.unread).toEqual([]);
      expect((await refused(url, "/shop/chat", admin)).status).toBe(403);
    });
  }
  recipe("Several instances on one server [Express]", keepsApart);
  recipe("Several instances on one server [Fastify]", keepsApart);
  recipe("Several instances on one server [Koa]", keepsApart);

  recipe("Replacing the app of a running server", (run) => {
    it("tells the peers of the old app, and serves those of the new one", async () => {
      type Names = { start(server: Server): () => Promise<void> };
      const { start } = (await run<Names>({ give: { chat }, take: ["start"] })).names;
      await using server = await listen(createServer());
      const stopFirst = start(server.server);
      await using before = await connect(server.server, "/chat");
      await before.text();
      const stopSecond = start(server.server);
      await stopFirst();
      expect(await before.closed).toEqual({ code: 1012, reason: "new version" });
      await using after = await connect(server.server, "/chat");
      expect(await after.text()).toBe("welcome");
      void stopSecond();
      expect((await after.closed).code).toBe(1012);
    });
  });
});

describePage("docs/guide/websocket.md", (recipe) => {
  recipe("graphql-ws", (run) => {
    it("answers a query", async () => {
      const app = express();
      app.use(spryWs());
      // Vite would take the ES module of graphql, graphql-ws takes the CommonJS one, and a schema must be of the same.
      await run({ give: { app }, replace: { 'from "graphql"': 'from "graphql/index.js"' } });
      await using server = await listen(app);
      expect((await refused(server.server, "/graphql")).status).toBe(400);
      const client = createClient({ url: server.url("/graphql"), webSocketImpl: WebSocket });
      const { value } = await client.iterate({ query: "{ hello }" }).next();
      expect(value).toEqual({ data: { hello: null } });
      await client.dispose();
    });
  });

  recipe("y-websocket", (run) => {
    it("brings two documents together, for those who may", async () => {
      await using app = fastify();
      await app.register(forFastify.spryWs);
      const requireUser = async (
        request: { headers: object },
        reply: { code(status: number): { send(): unknown } },
      ) => ("authorization" in request.headers ? undefined : reply.code(401).send());
      await run({ give: { app, requireUser } });
      const url = await app.listen({ port: 0, host: "127.0.0.1" });
      expect((await refused(app.server, "/docs/one")).status).toBe(401);
      class Authorized extends WebSocket {
        constructor(url: string | URL, protocols?: string[]) {
          super(url, protocols, { headers: { authorization: "x" } });
        }
      }
      const join = () => {
        const provider = new WebsocketProvider(`${url.replace("http", "ws")}/docs`, "one", new Doc(), {
          WebSocketPolyfill: Authorized as unknown as typeof globalThis.WebSocket,
          // Otherwise documents of one process find each other past the server.
          disableBc: true,
        });
        onTestFinished(() => provider.destroy());
        return provider.doc.getText("t");
      };
      const [ada, bob] = [join(), join()];
      ada.insert(0, "from Ada");
      await vi.waitFor(() => expect(bob.toString()).toBe("from Ada"), { timeout: 5_000 });
    });
  });

  recipe("Streams", (run) => {
    it("connects the client with the other server", async () => {
      const echo = createTcpServer((socket) => socket.pipe(socket));
      await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
      onTestFinished(() => void echo.close());
      const address = echo.address();
      const give = {
        connect: () => connectTcp(typeof address === "object" ? (address?.port ?? 0) : 0, "127.0.0.1"),
      };
      const { tunnel } = (
        await run<{ tunnel: HooksSource }>({
          give,
          take: ["tunnel"],
          replace: { 'import { connect } from "node:net";': "" },
        })
      ).names;
      await using app = await serve(expressFive, { routes: { "/": { hooks: tunnel } } });
      await using client = await connect(app.server);
      client.send("hello");
      expect((await client.next()).text()).toBe("hello");
    });
  });
});
