import type { Contract } from "@spry-ws/contract";
import {
  type Backplane,
  type BackplaneEvents,
  type Hooks,
  memoryBackplane,
  spryWs as spryWsExpress,
} from "@spry-ws/express";
import { redis } from "@spry-ws/redis";
import { connect, type TestClient } from "@spry-ws/testing";
import express from "express";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { beforeAll, expect, it, onTestFinished, vi } from "vitest";
import { buildPackages, startCluster } from "./cluster.ts";
import { openClient, serveApp } from "./live.ts";
import { describePage, type Run } from "./page.ts";
import {
  chat,
  hears,
  joins,
  keepsMessages,
  type Names,
  open,
  withJetStream,
  withNats,
  withRedis,
} from "./processes.ts";

beforeAll(buildPackages, 60_000);

describePage("docs/guide/scaling.md", (recipe) => {
  recipe("Redis", (run) => {
    withRedis((url) => {
      joins(run, ["app", "spry"], () => ({ "redis://localhost:6379": url() }));
    });
  });

  recipe("NATS", (run) => {
    withNats((url) => {
      joins(run, ["spry", "connection"], () => ({ "localhost:4222": url() }));
    });
  });

  recipe("node:cluster", (_run, code) => {
    it("joins the workers", async () => {
      await using cluster = await startCluster(code, {
        "availableParallelism()": "2",
        "app.listen(3000)": "app.listen(0, function () { console.log('port', this.address().port) })",
      });
      const [, port] = /^port (\d+)$/.exec(await cluster.line(/^port/)) ?? [];
      const url = `http://127.0.0.1:${port}`;
      // The primary process gives connections to one worker after the other.
      const clients = new Map<string, TestClient>();
      await vi.waitFor(async () => {
        const client = await open(url, "/chat");
        clients.set(await client.text(), client);
        expect(clients.size).toBe(2);
      });
      const [one, other] = [...clients.values()] as [TestClient, TestClient];
      await hears(one, other);
      await hears(other, one);
    });
  });

  recipe("Outages", (run) => {
    it("tells the peers to ask for what they missed", async () => {
      const broker = memoryBackplane();
      let events: BackplaneEvents | undefined;
      const backplane: Backplane = {
        name: "interrupted",
        open(its) {
          events = its;
          return broker.open(its);
        },
      };
      const give = { spryWs: (options: object) => spryWsExpress({ ...options, backplane }) };
      const running = await run<Names>({
        give,
        take: ["spry"],
        replace: { "Message, spryWs }": "Message }" },
      });
      const app = express();
      app.use(running.names.spry);
      app.ws("/", chat);
      const client = await open(app);
      await running.names.spry.ready();
      events?.down(new Error("gone"));
      events?.up();
      expect(await client.json()).toEqual({ type: "resync" });
      expect(running.printed.join("\n")).toContain("SPRY_WS_BACKPLANE_GAP");
      await running.names.spry.close();
    });
  });

  recipe("A process that listens", (run) => {
    it("drops in all processes what one of them has changed", async () => {
      const stored = new Map([["tea", 3]]);
      let loads = 0;
      const give = {
        backplane: memoryBackplane(),
        async loadPrice(item: string) {
          loads++;
          return stored.get(item);
        },
        storePrice: async (item: string, price: number) => void stored.set(item, price),
      };
      const start = async () => {
        const { names } = await run<Names>({ give, take: ["app", "spry"] });
        const { port } = await serveApp(names.app, names.spry);
        await names.spry.ready();
        const url = `http://127.0.0.1:${port}/prices/tea`;
        return { url, price: async () => (await fetch(url)).json() };
      };
      const [here, there] = [await start(), await start()];
      for (const process of [here, there, here, there]) expect(await process.price()).toBe(3);
      expect(loads).toBe(2);
      const headers = { "Content-Type": "application/json" };
      await fetch(here.url, { method: "PUT", headers, body: '{"price":4}' });
      expect(await here.price()).toBe(4);
      await vi.waitFor(async () => expect(await there.price()).toBe(4));
      expect(loads).toBe(4);
    });
  });

  recipe("Publishing from elsewhere", publishes);
});

/** A process without peers reaches the subscribers of one that has some. */
function publishes(run: Run): void {
  withRedis((url) => {
    it("reaches the subscribers in another process", async () => {
      const client = createClient({ url: url() });
      const spry = spryWsExpress({ backplane: redis({ client }) });
      const app = express();
      app.use(spry);
      app.ws("/", { open: (peer) => peer.subscribe("news") });
      const reader = await open(app);
      await reader.ping();
      await spry.ready();
      await run({ replace: { "redis://localhost:6379": url() } });
      expect(await reader.json()).toEqual({ headline: "…" });
      await spry.close();
    });
  });
}

describePage("docs/guide/durable-topics-nats.md", (recipe) => {
  recipe("Durable topics with NATS JetStream", (run) => {
    withJetStream((url) => keepsMessages(run, "localhost:4222", url));
  });
});

describePage("packages/redis/README.md", (recipe) => {
  for (const name of ["@spry-ws/redis", "@spry-ws/redis 2"])
    recipe(name, (run) => {
      withRedis((url) => {
        joins(run, ["app", "client"], () => ({
          'process.env.REDIS_URL ?? "redis://localhost:6379"': JSON.stringify(url()),
        }));
      });
    });

  recipe("Durable topics", (run) => {
    withRedis((url) => {
      it("has what was published in Redis", async () => {
        interface Names {
          spry: { close(): Promise<void> };
          client: Redis;
          live: { publish(topic: string, params: object, message: string): Promise<{ position: string }> };
        }
        const replace = { 'process.env.REDIS_URL ?? "redis://localhost:6379"': JSON.stringify(url()) };
        const { names } = await run<Names>({ take: ["spry", "client", "live"], replace });
        const room = `recipe-${process.pid}`;
        const { position } = await vi.waitFor(() => names.live.publish("rooms/:room", { room }, "hello"));
        const key = (kind: string) => `spry-ws-history:{rooms/${room}}:${kind}`;
        expect((await names.client.get(key("meta")))?.split(" ").slice(0, 3).join(".")).toBe(position);
        expect(await names.client.xlen(key("log"))).toBe(1);
        await names.client.del(key("meta"), key("log"));
        await names.spry.close();
        names.client.disconnect();
      });
    });
  });
});

describePage("packages/nats/README.md", (recipe) => {
  recipe("@spry-ws/nats", (run) => {
    withNats((url) => {
      joins(run, ["app", "connection"], () => ({
        'process.env.NATS_URL ?? "nats://localhost:4222"': JSON.stringify(url()),
      }));
    });
  });

  recipe("Durable topics", (run) => {
    withJetStream((url) => keepsMessages(run, "nats://localhost:4222", url));
  });
});

describePage("packages/core/README.md", (recipe) => {
  recipe("@spry-ws/core", (run) => {
    it("echoes", async () => {
      const { url } = await run();
      const client = await open(url);
      client.send("x");
      expect(await client.text()).toBe("x");
    });
  });

  recipe("Several processes", (_run, code) => {
    it("has workers that are ready", async () => {
      await using cluster = await startCluster(code, {
        "availableParallelism()": "2",
        "await spry.ready();": "await spry.ready(); console.log('ready', cluster.worker.id);",
      });
      const ready = [await cluster.line(/^ready/), await cluster.line(/^ready/)];
      expect(ready.sort()).toEqual(["ready 1", "ready 2"]);
    });
  });

  recipe("Several processes 2", publishes);
});

describePage("README.md", (recipe) => {
  recipe("spry-ws", (run) => {
    it("answers a ping, and tells what happens", async () => {
      const running = await run<{ chat: Hooks }>({ take: ["chat"] });
      const app = express();
      app.use(spryWsExpress());
      app.ws("/chat", running.names.chat);
      const client = await connect(app, "/chat");
      client.send("ping");
      expect(await client.text()).toBe("pong");
      await client.close(1000, "enough");
      await vi.waitFor(() =>
        expect(running.printed).toEqual([
          expect.stringMatching(/^\[WS\] upgrading http:\/\/127\.0\.0\.1:\d+\/chat$/),
          expect.stringMatching(/^\[WS\] open: 127\.0\.0\.1:\d+$/),
          "[WS] close(1000) - enough",
        ]),
      );
    });
  });

  const title = "Requests, topics, and a client that comes back";

  recipe(title, (run) => {
    it("is a contract with the schemas that it was given", async () => {
      const { contract } = (await run<{ contract: Contract }>({ take: ["contract"] })).names;
      const { input } = contract.requests?.["say"] ?? {};
      expect(await input?.["~standard"].validate({ room: "42" })).toMatchObject({
        issues: [{ path: ["text"] }],
      });
    });
  });

  const serveEmpty = async () => {
    const app = express();
    const spry = spryWsExpress();
    app.use(spry);
    const { port } = await serveApp(app, spry);
    return { give: { app, spry }, port };
  };

  recipe(`${title} 2`, (run) => {
    it("answers, and lets nobody into the attic", async () => {
      const { give, port } = await serveEmpty();
      await run({ give });
      const client = openClient(port);
      const attic = client.topic("rooms/:room", { room: "attic" });
      expect(await client.request("say", { room: "42", text: "hello" })).toEqual({ at: expect.any(Number) });
      await vi.waitFor(() => expect(attic.state).toBe("refused"));
    });
  });

  recipe(`${title} 3`, (run) => {
    it("prints what is said in the room, and when", async () => {
      const { give } = await serveEmpty();
      const { names, printed } = await run<{ client: { close(): void } }>({ give, take: ["client"] });
      onTestFinished(() => names.client.close());
      await vi.waitFor(() =>
        expect([...printed].sort()).toEqual([
          expect.stringMatching(/^\d{13}$/),
          "{ type: 'message', data: 'hello', position: undefined }",
        ]),
      );
    });
  });

  recipe("More than one process", (run) => {
    withRedis((url) => {
      joins(noting(run), ["spry"], () => ({
        'import { Redis } from "ioredis";': "",
        "redis://localhost:6379": url(),
      }));
    });
  });
});

/** The block has no name for its client, which has to be let go of here. */
const noting =
  (run: Run): Run =>
  (options) => {
    class Noted extends Redis {
      constructor(url: string) {
        super(url);
        onTestFinished(() => this.disconnect());
      }
    }
    return run({ ...options, give: { ...options?.give, Redis: Noted } });
  };
