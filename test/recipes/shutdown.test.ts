import { createServer, type RequestListener } from "node:http";
import { type HooksSource, spryWs, ws } from "@spry-ws/express";
import { connect } from "@spry-ws/testing";
import express, { type Express } from "express";
import type { FastifyInstance } from "fastify";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { listen } from "../fixtures/listen.ts";
import { browserSocket } from "./browser.ts";
import { describePage, type Run } from "./page.ts";

interface Connection {
  send(data: string): boolean;
  close(): void;
}

type Connect = (
  url: string,
  onMessage: (data: string) => void,
  onState: (state: string, code?: number) => void,
) => Connection;

describePage("docs/guide/shutdown.md", (recipe) => {
  recipe("Shutdown [Express, Koa]", (run) => {
    it("says goodbye to everybody on SIGTERM, and ends", async () => {
      type Names = { app: Express; server: ReturnType<typeof createServer> };
      const running = await run<Names>({
        take: ["app", "server"],
        replace: { "jitterMs: 2_000": "jitterMs: 20" },
      });
      running.names.app.get("/", ws({}));
      const clients = [await connect(running.url), await connect(running.url)];
      const closed = new Promise((resolve) => running.names.server.on("close", resolve));
      running.signal("SIGTERM");
      for (const client of clients) expect((await client.closed).code).toBe(1001);
      await closed;
    });
  });

  recipe("Shutdown [Fastify]", (run) => {
    it("says goodbye to everybody on SIGTERM, and ends", async () => {
      const replace = {
        "jitterMs: 2_000": "jitterMs: 20",
        "await app.listen": 'app.ws("/", {});\nawait app.listen',
      };
      const running = await run<{ app: FastifyInstance }>({ take: ["app"], replace });
      const clients = [await connect(running.url), await connect(running.url)];
      const closed = new Promise((resolve) => running.names.app.server.on("close", resolve));
      running.signal("SIGTERM");
      for (const client of clients) expect((await client.closed).code).toBe(1001);
      await closed;
    });
  });

  recipe("Clients", (run) => {
    let waits: number[];
    beforeEach(() => {
      waits = [];
      vi.spyOn(Math, "random").mockReturnValue(0.5);
    });
    afterEach(() => void vi.restoreAllMocks());

    /** A page on which the recipe runs, and what it has been told. Pauses are noted instead of waited for, the first eight. */
    async function open(run: Run, port: number) {
      const give = {
        WebSocket: browserSocket(port),
        async fetch(url: string, init: RequestInit) {
          const { status } = await fetch(url.replace(/^https:\/\/[^/]+/, `http://127.0.0.1:${port}`), init);
          // Browsers hide where a redirect leads, and so its status.
          return { status: status >= 300 && status < 400 ? 0 : status };
        },
        setTimeout(callback: () => void, ms: number) {
          waits.push(ms);
          return waits.length < 8 ? setTimeout(callback) : undefined;
        },
      };
      const { names } = await run<{ connect: Connect }>({ give, take: ["connect"] });
      const messages: string[] = [];
      const states: string[] = [];
      const connection = names.connect(
        "wss://app.example/chat",
        (data) => messages.push(data),
        (state, code) => states.push([state, code].filter(Boolean).join(" ")),
      );
      onTestFinished(() => connection.close());
      return { connection, messages, states };
    }

    /** An app with this route, and how many handshakes it has had. */
    async function serveRoute(...handlers: express.RequestHandler[]) {
      const app = express();
      const spry = spryWs({ onError: () => {} });
      let handshakes = 0;
      app.use((request, _response, next) => {
        if (request.headers.upgrade) handshakes++;
        next();
      });
      app.use(spry);
      app.get("/chat", ...handlers);
      const server = await listen(createServer(app as RequestListener));
      spry.attach(server.server);
      return {
        spry,
        port: server.port,
        handshakes: () => handshakes,
        [Symbol.asyncDispose]: server[Symbol.asyncDispose],
      };
    }

    const echo = ws({ message: (peer, message) => void peer.send(message) });

    it("sends and receives, and closes for good", async () => {
      await using app = await serveRoute(echo);
      const { connection, messages, states } = await open(run, app.port);
      expect(connection.send("too early")).toBe(false);
      await vi.waitFor(() => expect(states).toEqual(["open"]));
      expect(connection.send("hello")).toBe(true);
      await vi.waitFor(() => expect(messages).toEqual(["hello"]));
      connection.close();
      await vi.waitFor(() => expect(states).toEqual(["open", "over 1000"]));
      expect(waits).toEqual([]);
    });

    it("waits longer each time where a hook throws as soon as the connection is open", async () => {
      const hooks: HooksSource = {
        open() {
          throw new Error("a bug");
        },
      };
      await using app = await serveRoute(ws(hooks));
      const { states } = await open(run, app.port);
      await vi.waitFor(() => expect(waits).toHaveLength(8));
      expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
      expect(states.slice(0, 4)).toEqual(["open", "lost 1011", "open", "lost 1011"]);
    });

    it("begins anew with short pauses after a connection that has lasted", async () => {
      await using app = await serveRoute(echo);
      const { states } = await open(run, app.port);
      const opened = (count: number) =>
        vi.waitFor(() => expect(states.filter((state) => state === "open")).toHaveLength(count));
      const end = async (count: number) => {
        for (const peer of app.spry.peers) peer.terminate();
        await vi.waitFor(() => expect(waits).toHaveLength(count));
      };
      await opened(1);
      await end(1);
      await opened(2);
      await end(2);
      await opened(3);
      const now = Date.now();
      vi.spyOn(Date, "now").mockReturnValue(now + 11_000);
      await end(3);
      expect(waits).toEqual([250, 500, 250]);
    });

    describe.each([
      ["401", (response: express.Response) => void response.status(401).send("Log in first")],
      ["403", (response: express.Response) => void response.status(403).send("Not you")],
      ["a redirect", (response: express.Response) => response.redirect("/login")],
    ])("refused by middleware with %s", (_status, refuse) => {
      it("gives up after one handshake", async () => {
        await using app = await serveRoute((_request, response) => refuse(response), echo);
        const { states } = await open(run, app.port);
        await vi.waitFor(() => expect(states).toEqual(["lost 1006", "over 1006"]));
        expect([app.handshakes(), waits]).toEqual([1, []]);
      });
    });

    it("gives up where the app closes with a code of its own", async () => {
      await using app = await serveRoute(ws({ open: (peer) => peer.close(4401, "log in first") }));
      const { states } = await open(run, app.port);
      await vi.waitFor(() => expect(states).toEqual(["open", "over 4401"]));
      expect([app.handshakes(), waits]).toEqual([1, []]);
    });

    it("tries again where nobody is there, and where the server is too busy", async () => {
      const nobody = await serveRoute(echo);
      await nobody[Symbol.asyncDispose]();
      await open(run, nobody.port);
      await vi.waitFor(() => expect(waits).toHaveLength(8));
      waits = [];
      await using busy = await serveRoute((_request, response) => void response.sendStatus(503), echo);
      await open(run, busy.port);
      await vi.waitFor(() => expect(waits).toHaveLength(8));
      expect(busy.handshakes()).toBe(8);
    });
  });
});
