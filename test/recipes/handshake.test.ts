import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { RequestListener } from "node:http";
import {
  type Event,
  getClientAddress,
  type HooksSource,
  type Peer,
  spryWs as spryWsExpress,
} from "@spry-ws/express";
import * as forFastify from "@spry-ws/fastify";
import * as forKoa from "@spry-ws/koa";
import { connect, refused } from "@spry-ws/testing";
import express, { type Express } from "express";
import type { FastifyInstance } from "fastify";
import type Koa from "koa";
import { expect, it, onTestFinished, vi } from "vitest";
import { expressFive } from "../adapters/express.ts";
import { listen } from "../fixtures/listen.ts";
import { serve } from "../fixtures/serve.ts";
import { describePage } from "./page.ts";

const ada = { id: "1", name: "Ada" };
const findUser = async (id: string | undefined) => (id === ada.id ? ada : undefined);

/** An app in which these hooks are mounted. */
const serveHooks = (hooks: HooksSource, path = "/") => serve(expressFive, { routes: { [path]: { hooks } } });

function makeApp(): Express {
  const app = express();
  app.use(spryWsExpress());
  return app;
}

describePage("docs/guide/deployment.md", (recipe) => {
  const forwarded = { headers: { "x-forwarded-for": "203.0.113.7" } };
  const hooks = { open: (peer: Peer) => void peer.send(getClientAddress(peer) ?? "") };

  recipe("The app [Express]", (run) => {
    it("takes the client's address from the proxy", async () => {
      const { app } = (await run<{ app: Express }>({ take: ["app"] })).names;
      app.use(spryWsExpress());
      app.ws("/", hooks);
      await using client = await connect(app, "/", forwarded);
      expect(await client.text()).toBe("203.0.113.7");
    });
  });

  recipe("The app [Fastify]", (run) => {
    it("takes the client's address from the proxy", async () => {
      await using app = (await run<{ app: FastifyInstance }>({ take: ["app"] })).names.app;
      await app.register(forFastify.spryWs);
      app.ws("/", hooks);
      await app.listen({ port: 0, host: "127.0.0.1" });
      await using client = await connect(app.server, "/", forwarded);
      expect(await client.text()).toBe("203.0.113.7");
    });
  });

  recipe("The app [Koa]", (run) => {
    it("takes the client's address from the proxy, also where the client has sent one before it", async () => {
      const { app } = (await run<{ app: Koa }>({ take: ["app"] })).names;
      app.use(forKoa.spryWs()).use(forKoa.ws("/", hooks));
      await using client = await connect(app, "/", {
        headers: { "x-forwarded-for": "1.2.3.4, 203.0.113.7" },
      });
      expect(await client.text()).toBe("203.0.113.7");
    });
  });

  recipe("The app", (run) => {
    it("takes the client's address from the proxy, and its own where there is none", async () => {
      const { handler } = (await run<{ handler: RequestListener }>({ take: ["handler"] })).names;
      const addresses: unknown[] = [];
      const note = (message: unknown) => addresses.push(getClientAddress((message as { peer: Peer }).peer));
      subscribe("spry-ws:open", note);
      onTestFinished(() => void unsubscribe("spry-ws:open", note));
      await using server = await listen(handler);
      await using _ = await connect(server.server, "/", forwarded);
      await using client = await connect(server.server, "/");
      await client.ping();
      expect(addresses).toEqual(["203.0.113.7", expect.stringMatching(/^127\.0\.0\.1:\d+$/)]);
    });
  });
});

describePage("docs/guide/event.md", (recipe) => {
  recipe("Values of your own", (run) => {
    it("says how long a connection lasted", async () => {
      const running = await run<{ feed: HooksSource }>({ take: ["feed"] });
      await using app = await serveHooks(running.names.feed);
      await (await connect(app.server)).close();
      await vi.waitFor(() => expect(running.printed).toEqual([expect.stringMatching(/^lasted \d+ ms$/)]));
    });
  });

  recipe("The handshake", (run) => {
    it("says who enters which room, from where", async () => {
      const running = await run<{ room: HooksSource }>({ take: ["room"] });
      await using app = await serveHooks(running.names.room, "/:room");
      expect((await refused(app.server, "/blue")).status).toBe(400);
      await using client = await connect(app.server, "/blue?name=Ada");
      await client.ping();
      expect(running.printed).toEqual([expect.stringMatching(/^Ada \(127\.0\.0\.1:\d+\) enters blue$/)]);
    });
  });

  recipe("The handshake 2", (run) => {
    it("gives the first language of the client", async () => {
      const { useLanguage } = (await run<{ useLanguage(event: Event): string }>({ take: ["useLanguage"] }))
        .names;
      await using app = await serveHooks({ open: (peer) => void peer.send(useLanguage(peer)) });
      const headers = { "accept-language": "de-CH, en;q=0.5" };
      await using swiss = await connect(app.server, "/", { headers });
      await using other = await connect(app.server, "/");
      expect([await swiss.text(), await other.text()]).toEqual(["de-CH", "en"]);
    });
  });

  recipe("Async context", (run) => {
    it("has in a hook what middleware put into its store", async () => {
      const app = makeApp();
      const running = await run({ give: { app } });
      for (let i = 0; i < 2; i++) {
        await using client = await connect(app, "/feed");
        client.send("x");
        await client.ping();
      }
      const [first, second] = running.printed;
      expect(first).toMatch(/^[\da-f-]{36}$/);
      expect(second).toMatch(/^[\da-f-]{36}$/);
      expect(second).not.toBe(first);
    });
  });
});

describePage("docs/guide/hooks.md", (recipe) => {
  const asAda = { headers: { "x-user-id": ada.id } };

  recipe("Hooks", (run) => {
    it("greets, echoes and says who left", async () => {
      const running = await run<{ feed: HooksSource }>({ give: { findUser }, take: ["feed"] });
      await using app = await serveHooks(running.names.feed);
      expect((await refused(app.server)).body).toBe("Who are you?");
      await using client = await connect(app.server, "/", asAda);
      expect(await client.text()).toBe("hello Ada");
      client.send("x");
      expect(await client.text()).toBe("x");
      await client.close(1000, "enough");
      await vi.waitFor(() => expect(running.printed).toEqual(["1 left 1000 enough"]));
    });
  });

  recipe("What `upgrade` may return", (run) => {
    it("refuses any number of strangers with the same response", async () => {
      const { feed } = (await run<{ feed: HooksSource }>({ give: { findUser }, take: ["feed"] })).names;
      await using app = await serveHooks(feed);
      for (let i = 0; i < 2; i++) {
        const answer = await refused(app.server);
        expect([answer.status, answer.json()]).toEqual([401, { error: "log in first" }]);
      }
      await using client = await connect(app.server, "/", asAda);
      await client.ping();
    });
  });

  recipe("What `upgrade` may return 2", (run) => {
    it("tells a page why it may not stay", async () => {
      const { feed } = (await run<{ feed: HooksSource }>({ give: { findUser }, take: ["feed"] })).names;
      await using app = await serveHooks(feed);
      await using stranger = await connect(app.server);
      expect(await stranger.closed).toEqual({ code: 4401, reason: "log in first" });
      await using client = await connect(app.server, "/", asAda);
      await client.ping();
    });
  });

  recipe("Hooks by request", (run) => {
    it("answers each version in its way", async () => {
      const app = makeApp();
      const router = express.Router();
      await run({ give: { router } });
      app.use(router);
      await using one = await connect(app, "/echo");
      await using two = await connect(app, "/echo?v=2");
      for (const client of [one, two]) client.send("x");
      expect([(await one.next()).isText, (await two.next()).isText]).toEqual([true, false]);
    });
  });
});

describePage("docs/guide/origin.md", (recipe) => {
  recipe("Origin", (run) => {
    it("lets in the pages it names, and no others", async () => {
      const app = express();
      await run({ give: { app } });
      app.ws("/", {});
      await using server = await listen(app);
      const from = (origin: string) => ({ headers: { origin } });
      for (const origin of [
        `http://127.0.0.1:${server.port}`,
        "https://app.example",
        "https://new-1.preview.example",
      ]) {
        await (await connect(server.server, "/", from(origin))).close();
      }
      for (const origin of ["https://evil.example", "https://app.example.evil.example", "http://app.example"])
        expect((await refused(server.server, "/", from(origin))).status).toBe(403);
    });
  });
});
