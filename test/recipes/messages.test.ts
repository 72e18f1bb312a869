import { type HooksSource, spryWs } from "@spry-ws/express";
import { connect, refused } from "@spry-ws/testing";
import express from "express";
import { expect, it, vi } from "vitest";
import { expressFive } from "../adapters/express.ts";
import { listen } from "../fixtures/listen.ts";
import { serve } from "../fixtures/serve.ts";
import { openClient, serveApp } from "./live.ts";
import { describePage } from "./page.ts";

const ada = { id: "1", name: "Ada" };
const findUser = async (key: string | undefined) => (key === ada.id || key === ada.name ? ada : undefined);

const serveHooks = (hooks: HooksSource) => serve(expressFive, { routes: { "/": { hooks } } });

describePage("docs/guide/message.md", (recipe) => {
  recipe("Bytes are yours", (run) => {
    it("sends them back whole, and the worker has them", async () => {
      const posted: Uint8Array[] = [];
      class Worker {
        postMessage(bytes: Uint8Array, transfer: ArrayBuffer[]) {
          posted.push(structuredClone(bytes, { transfer }));
        }
      }
      const { images } = (
        await run<{ images: HooksSource }>({
          give: { Worker },
          take: ["images"],
          replace: { 'import { Worker } from "node:worker_threads";': "" },
        })
      ).names;
      await using app = await serveHooks(images);
      await using client = await connect(app.server);
      for (const size of [3, 100_000]) {
        const image = new Uint8Array(size).fill(7);
        client.send(image);
        expect((await client.next()).bytes()).toEqual(image);
        expect(posted.pop()).toEqual(image);
      }
    });
  });

  recipe("Validate", (run) => {
    it("passes on what is valid, answers what is not, and stays connected", async () => {
      const { chat } = (await run<{ chat: HooksSource }>({ take: ["chat"] })).names;
      await using app = await serveHooks(chat);
      await using one = await connect(app.server);
      await using other = await connect(app.server);
      await other.ping();
      for (const text of ["{", "null", "[]", '{"say":5}', '{"said":"x"}']) {
        one.send(text);
        expect(await one.json()).toEqual({ error: "a message is { say: string }" });
      }
      one.send('{"say":"hello"}');
      expect(await other.json()).toEqual({ said: "hello" });
    });
  });
});

describePage("docs/guide/peer.md", (recipe) => {
  recipe("Sending", (run) => {
    it("sends text, JSON and bytes", async () => {
      const { feed } = (await run<{ feed: HooksSource }>({ take: ["feed"] })).names;
      await using app = await serveHooks(feed);
      await using client = await connect(app.server);
      expect(await client.text()).toBe("text");
      expect(await client.json()).toEqual({ hello: "world" });
      expect([...(await client.next()).bytes()]).toEqual([1, 2, 3]);
    });
  });

  recipe("Closing", (run) => {
    it("closes behind what was sent", async () => {
      const { once } = (await run<{ once: HooksSource }>({ take: ["once"] })).names;
      await using app = await serveHooks(once);
      await using client = await connect(app.server);
      client.send("x");
      expect(await client.text()).toBe("x");
      expect(await client.closed).toEqual({ code: 1000, reason: "that was all" });
    });
  });

  recipe("All peers", (run) => {
    it("sends to all", async () => {
      await using app = await serveHooks({});
      await using one = await connect(app.server);
      await using other = await connect(app.server);
      await Promise.all([one.ping(), other.ping()]);
      await run({ give: { spry: app.spry } });
      for (const client of [one, other]) expect(await client.text()).toBe("the server restarts in a minute");
    });
  });
});

describePage("docs/guide/backpressure.md", (recipe) => {
  recipe("Wait while you send", (run) => {
    it("sends everything, as fast as it is read, and closes", async () => {
      const { report } = (
        await run<{ report: HooksSource }>({
          take: ["report"],
          replace: { "1_000_000": "20_000", "row: i": 'row: i, text: "x".repeat(1_000)' },
        })
      ).names;
      await using app = await serveHooks(report);
      await using client = await connect(app.server, "/", { loopback: true });
      client.websocket.pause();
      const [peer] = app.spry.peers;
      await vi.waitFor(() => expect(peer?.bufferedAmount).toBeGreaterThan(65_536));
      expect(peer?.bufferedAmount).toBeLessThan(262_144);
      client.websocket.resume();
      let rows = 0;
      for await (const message of client) expect(message.json<{ row: number }>().row).toBe(rows++);
      expect(rows).toBe(20_000);
      expect((await client.closed).code).toBe(1000);
    });

    it("stops when the client goes", async () => {
      const { report } = (
        await run<{ report: HooksSource }>({ take: ["report"], replace: { "1_000_000": "Infinity" } })
      ).names;
      const closed = vi.fn();
      await using app = await serveHooks({ ...(report as object), close: closed });
      const client = await connect(app.server);
      await client.next();
      await client.terminate();
      await vi.waitFor(() => expect(closed).toHaveBeenCalledOnce());
    });
  });

  recipe("Or go on in `drain`", (run) => {
    it("goes on where each client is, without end", async () => {
      const { numbers } = (await run<{ numbers: HooksSource }>({ take: ["numbers"] })).names;
      await using app = await serveHooks(numbers);
      // More than is over the mark at once, so `drain` has gone on.
      const expected = Array.from({ length: 10_000 }, (_, i) => `number ${i}`);
      for (let i = 0; i < 2; i++) {
        const client = await connect(app.server, "/", { loopback: true });
        const texts: string[] = [];
        while (texts.length < expected.length) texts.push(await client.text());
        await client.terminate();
        expect(texts).toEqual(expected);
      }
    });
  });
});

describePage("docs/guide/faq.md", (recipe) => {
  recipe("How do I send to one user?", (run) => {
    it("reaches all connections of the user, and nobody else's", async () => {
      const app = express();
      const spry = spryWs();
      app.use(spry);
      await run({ give: { app, spry, findUser: async (id = "") => ({ id, name: id }) } });
      await using server = await listen(app);
      const open = (id: string) => connect(server.server, "/inbox", { headers: { "x-user-id": id } });
      await using first = await open("ada");
      await using second = await open("ada");
      await using other = await open("grace");
      await Promise.all([first, second, other].map((client) => client.ping()));
      expect((await fetch(server.httpUrl("/orders/ada"), { method: "POST" })).status).toBe(204);
      for (const client of [first, second]) expect(await client.json()).toEqual({ type: "order" });
      await other.ping();
      expect(other.unread).toEqual([]);
    });

    it("refuses whoever is not known", async () => {
      const app = express();
      app.use(spryWs());
      await run({ give: { app, findUser } });
      expect((await refused(app, "/inbox")).body).toBe("Who are you?");
    });
  });

  recipe("Can a client wait for an answer?", (run) => {
    it("answers the page, and does not ask the handler what does not fit", async () => {
      const app = express();
      const spry = spryWs();
      app.use(spry);
      const find = vi.fn(findUser);
      await run({ give: { app, spry, findUser: find } });
      const { port } = await serveApp(app, spry);
      const client = openClient(port);
      const ask = (id: unknown) => Reflect.apply(client.request, client, ["user", { id }]);
      expect([await ask("1"), await ask("2")]).toEqual([ada, null]);
      await expect(ask(3)).rejects.toMatchObject({ code: "invalid" });
      expect(find).toHaveBeenCalledTimes(2);
    });
  });
});
