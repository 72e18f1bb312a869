import {
  type Backplane,
  type Hooks,
  type HooksSource,
  memoryBackplane,
  type SpryWsOptions,
} from "@spry-ws/core";
import { connect, type TestClient } from "@spry-ws/testing";
import type { Express } from "express";
import { expect, it, vi } from "vitest";
import { expressFive } from "../adapters/express.ts";
import { Deferred } from "../fixtures/deferred.ts";
import { ManualBackplane } from "../fixtures/manual-backplane.ts";
import { type RunningApp, serve } from "../fixtures/serve.ts";
import { browserSocket } from "./browser.ts";
import { describePage, type Run } from "./page.ts";

interface Stored {
  readonly id: number;
  readonly text: string;
}

/** One process of an app that mounts these hooks at `/`. */
const serveHooks = (hooks: HooksSource, options: SpryWsOptions = {}): Promise<RunningApp> =>
  serve(expressFive, { routes: { "/": { hooks } }, options });

describePage("docs/guide/pubsub.md", (recipe) => {
  recipe("Pub/sub and rooms", (run) => {
    it("tells a room who comes, what is said and who leaves, and announces by HTTP", async () => {
      const app = await run<{ app: Express }>({ take: ["app"] });
      await using ada = await connect(app.names.app, "/rooms/blue");
      await using elsewhere = await connect(app.names.app, "/rooms/red");
      const grace = await connect(app.names.app, "/rooms/blue");
      expect(await ada.text()).toBe("someone came");
      grace.send("hello");
      expect(await ada.text()).toBe("hello");
      await grace.close();
      expect(await ada.text()).toBe("someone left");
      const url = ada.websocket.url.replace("ws:", "http:");
      const response = await fetch(`${url}/announcements`, {
        method: "POST",
        body: "we close",
        headers: { "Content-Type": "text/plain" },
      });
      expect(response.status).toBe(204);
      expect(await ada.text()).toBe("we close");
      await elsewhere.ping();
      expect(elsewhere.unread).toEqual([]);
    });
  });

  recipe("How many", (run) => {
    it("counts those who watch", async () => {
      const { names } = await run<{ app: Express }>({ take: ["app"] });
      await using first = await connect(names.app, "/streams/1");
      await using second = await connect(names.app, "/streams/1");
      for (const client of [first, second]) await client.ping();
      const url = first.websocket.url.replace("ws:", "http:").replace("/streams/1", "/viewers");
      expect(await (await fetch(url)).json()).toEqual({ viewers: 2 });
      await second.close();
      expect(await (await fetch(url)).json()).toEqual({ viewers: 1 });
    });
  });

  /** A database, which says that it is asked (`loading`), and answers when it may. */
  class Messages {
    readonly all: Stored[] = [];
    loading = new Deferred();
    mayLoad = Promise.resolve();
    readonly loadMessages = async (count: number): Promise<Stored[]> => {
      const found = this.all.slice(-count);
      this.loading.resolve();
      await this.mayLoad;
      return found;
    };
    readonly storeMessage = async (text: string): Promise<Stored> => {
      const stored = { id: this.all.length + 1, text };
      this.all.push(stored);
      return stored;
    };
  }

  /** One process of an app with this database. */
  async function serveHistory(run: Run, messages: Messages, backplane: Backplane): Promise<RunningApp> {
    let app: RunningApp | undefined;
    const spry = new Proxy({}, { get: (_target, name) => Reflect.get(app?.spry ?? {}, name) });
    const { loadMessages, storeMessage } = messages;
    const { names } = await run<{ chat: HooksSource }>({
      give: { spry, loadMessages, storeMessage },
      take: ["chat"],
    });
    app = await serveHooks(names.chat, { backplane });
    return app;
  }

  let history: Run | undefined;
  recipe("History", (run) => {
    history = run;
    it("sends the latest messages, then what is said", async () => {
      const messages = new Messages();
      for (let i = 1; i <= 150; i++) await messages.storeMessage(`${i}`);
      const backplane = memoryBackplane();
      await using one = await serveHistory(run, messages, backplane);
      await using other = await serveHistory(run, messages, backplane);
      await using ada = await connect(one.server, "/");
      const known = await ada.json<Stored[]>();
      expect(known.map(({ id }) => id)).toEqual(Array.from({ length: 100 }, (_, i) => i + 51));
      await using grace = await connect(other.server, "/");
      await grace.next();
      grace.send("hello");
      for (const client of [ada, grace]) expect(await client.json()).toEqual([{ id: 151, text: "hello" }]);
    });

    it("loads them when the other processes know of the subscription", async () => {
      const messages = new Messages();
      const backplane = new ManualBackplane();
      await using app = await serveHistory(run, messages, backplane);
      backplane.events.up();
      await using client = await connect(app.server, "/");
      const subscribing = await backplane.next("subscribe");
      await messages.storeMessage("said elsewhere, which nobody here is told");
      subscribing.resolve();
      expect(await client.json()).toEqual([{ id: 1, text: "said elsewhere, which nobody here is told" }]);
    });
  });

  recipe("History 2", (run) => {
    it("shows every message once and in order, also what was said in any process while the history was loaded", async () => {
      const messages = new Messages();
      await messages.storeMessage("before");
      const backplane = memoryBackplane();
      await using one = await serveHistory(history as Run, messages, backplane);
      await using other = await serveHistory(history as Run, messages, backplane);
      await using speaker = await connect(other.server, "/");
      await speaker.next();

      const mayLoad = new Deferred();
      messages.mayLoad = mayLoad.promise;
      messages.loading = new Deferred();
      let shown: string[] = [];
      const log = {
        replaceChildren(...children: string[]) {
          shown = children;
        },
      };
      const give = { WebSocket: browserSocket(one.port), document: { querySelector: () => log } };
      const page = await run<{ socket: WebSocket }>({
        give,
        take: ["socket"],
        replace: { "/chat": "/" },
      });
      await messages.loading.promise;
      speaker.send("meanwhile");
      await speaker.next();
      mayLoad.resolve();
      speaker.send("after");
      await vi.waitFor(() => expect(shown).toEqual(["before\nmeanwhile\nafter"]));
      page.names.socket.close();
    });
  });

  recipe("Who is there", (run) => {
    /** One process of several. */
    async function start(backplane: Backplane = memoryBackplane()): Promise<RunningApp> {
      let hooks: Hooks = {};
      const app = await serveHooks(
        { upgrade: (event) => hooks.upgrade?.(event), open: (peer) => hooks.open?.(peer) },
        { backplane },
      );
      const replace = { 'topic: "lobby" }': 'topic: "lobby", graceMs: 1_000 }' };
      const running = await run<{ lobby: Hooks }>({ give: { spry: app.spry }, take: ["lobby"], replace });
      hooks = running.names.lobby;
      return app;
    }

    it("tells the peers of two processes who is there in both, and who leaves when the grace is over", async () => {
      const backplane = memoryBackplane();
      await using one = await start(backplane);
      await using other = await start(backplane);
      await using ada = await connect(one.server, "/?name=Ada");
      await hears(ada, ["Ada"]);
      const grace = await connect(other.server, "/?name=Grace");
      for (const client of [ada, grace]) await hears(client, ["Ada", "Grace"]);
      await grace.close();
      await using again = await connect(one.server, "/?name=Grace");
      await hears(again, ["Ada", "Grace"]);
      await again.close();
      await hears(ada, ["Ada"]);
    });

    it("takes two tabs of one person for one", async () => {
      await using app = await start();
      await using ada = await connect(app.server, "/?name=Ada");
      await hears(ada, ["Ada"]);
      await using tab = await connect(app.server, "/?name=Ada");
      expect(await tab.json()).toEqual({ present: ["Ada"] });
    });

    it("forgets within 15 seconds those who were on a process that was killed", {
      timeout: 30_000,
    }, async () => {
      const hub = memoryBackplane();
      let isCut = false;
      const cuttable: Backplane = {
        name: hub.name,
        open(events) {
          const message: typeof events.message = (...of) => isCut || events.message(...of);
          const link = hub.open({ ...events, message });
          const publish: typeof link.publish = (messages) =>
            isCut ? Promise.resolve() : link.publish(messages);
          return Object.assign(Object.create(link), { publish });
        },
      };
      await using one = await start(hub);
      await using other = await start(cuttable);
      await using ada = await connect(one.server, "/?name=Ada");
      await using grace = await connect(other.server, "/?name=Grace");
      for (const client of [ada, grace]) await hears(client, ["Ada", "Grace"]);
      isCut = true;
      await hears(ada, ["Ada"], 16_000);
    });
  });
});

/** Waits for the list; those before it are of who came or went just then. */
async function hears(client: TestClient, present: readonly string[], timeoutMs = 5_000): Promise<void> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const list = await client.json<{ present: string[] }>({
      timeoutMs: Math.max(1, until - performance.now()),
    });
    if (list.present.join() === present.join()) return;
  }
}
