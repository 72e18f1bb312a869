import { setImmediate as nextTurn } from "node:timers/promises";
import { createPublisher, type Hooks, Message } from "@spry-ws/core";
import { describe, expect, it } from "vitest";
import { expressFive } from "../adapters/express.ts";
import { fastifyFive } from "../adapters/fastify.ts";
import { http } from "../adapters/http.ts";
import { koaThree } from "../adapters/koa.ts";
import { Client } from "../fixtures/client.ts";
import { Queue } from "../fixtures/queue.ts";
import { handshake, RawClient } from "../fixtures/raw.ts";
import type { RunningApp } from "../fixtures/serve.ts";
import { type BackplaneSetup, connect, hooks, start } from "./apps.ts";
import { operationsSuite } from "./operations.ts";

/** What several instances with peers must do over a backplane, whichever it is. */
export function instancesSuite(name: string, setUp: () => Promise<BackplaneSetup>): void {
  describe(`instances joined by ${name}`, () => {
    it("deliver a message to every subscriber everywhere once, in the order of its publisher", async () => {
      await using setup = await setUp();
      await using apps = await start(setup, [expressFive, fastifyFive, koaThree, http]);
      await using clients = await connect(apps.list);
      await apps.ready();
      const rounds = 50;
      for (let round = 0; round < rounds; round++) {
        for (const [i, client] of clients.list.entries()) client.send(`${i}:${round}`);
        for (const [i, app] of apps.list.entries()) app.spry.publish("room", `app ${i}:${round}`);
      }
      for (const [own, client] of clients.list.entries()) {
        const expected = (clients.list.length - 1 + apps.list.length) * rounds;
        const heard = new Map<string, string[]>();
        for (const text of (await client.messages.take(expected)) as string[]) {
          const [sender, round] = text.split(":") as [string, string];
          heard.set(sender, [...(heard.get(sender) ?? []), round]);
        }
        const inOrder = Array.from({ length: rounds }, (_, round) => String(round));
        expect(heard.has(String(own))).toBe(false);
        for (const rounds of heard.values()) expect(rounds).toEqual(inOrder);
      }
    });

    it("deliver bytes as bytes and text as text", async () => {
      await using setup = await setUp();
      await using apps = await start(setup, [http, http]);
      await using clients = await connect(apps.list);
      await apps.ready();
      const [app] = apps.list as [RunningApp];
      const [, remote] = clients.list as [Client, Client];
      const large = Buffer.alloc(300_000, "binary\0\xff");
      for (const data of ["", "grüße 👋", Uint8Array.of(), Message.json({ a: 1 }), large])
        app.spry.publish("room", data);
      expect(await remote.messages.take(4)).toEqual(["", "grüße 👋", Buffer.of(), '{"a":1}']);
      expect(large.equals((await remote.next()) as Buffer)).toBe(true);
    });

    it("get nothing for topics that nobody there is subscribed to", async () => {
      await using setup = await setUp();
      await using apps = await start(setup, [http, http]);
      await using clients = await connect(apps.list);
      await apps.ready();
      const [app, remote] = apps.list as [RunningApp, RunningApp];
      for (const topic of ["rooms", "room.", "*", ">", "ro*", ""])
        app.spry.publish(topic, "not for the room");
      app.spry.publish("room", "for the room");
      expect(await clients.list[1]?.next()).toBe("for the room");
      expect(remote.spry.metrics().backplaneReceived).toBe(1);
    });

    it("hear a publisher that has no server", async () => {
      await using setup = await setUp();
      await using apps = await start(setup, [http]);
      await using clients = await connect(apps.list);
      await apps.ready();
      {
        await using publisher = createPublisher({ backplane: setup.create() });
        publisher.publish("room", "from a cron job");
      }
      expect(await clients.list[0]?.next()).toBe("from a cron job");
    });

    it("tell listeners of all processes what anybody publishes, also where nobody else is subscribed", async () => {
      await using setup = await setUp();
      await using apps = await start(setup, [http, http], {
        message: (peer, message) => peer.publish("room", message),
      });
      await using clients = await connect(apps.list);
      const heard = apps.list.map(({ spry }) => {
        const queue = new Queue<Message>();
        spry.subscribe("room", (message) => queue.push(message));
        return queue;
      });
      await apps.ready();
      const rounds = 50;
      for (let round = 0; round < rounds; round++) {
        clients.list[0]?.send(`peer:${round}`);
        for (const [i, { spry }] of apps.list.entries()) spry.publish("room", `app ${i}:${round}`);
      }
      const inOrder = Array.from({ length: rounds }, (_, round) => String(round));
      for (const queue of heard) {
        const texts = (await queue.take(3 * rounds)).map((message) => message.text().split(":"));
        for (const from of ["peer", "app 0", "app 1"]) {
          const rounds = texts.filter(([sender]) => sender === from).map(([, round]) => round);
          expect(rounds).toEqual(inOrder);
        }
      }
      {
        await using publisher = createPublisher({ backplane: setup.create() });
        publisher.publish("room", Uint8Array.of(1, 2));
        publisher.publish("room", Uint8Array.of(3));
      }
      const kept = await Promise.all(heard.map((queue) => queue.take(2)));
      for (const messages of kept)
        expect(messages.map(({ raw }) => raw)).toEqual([Uint8Array.of(1, 2), Uint8Array.of(3)]);
    });

    it("keep the order of what a listener publishes itself, also in other processes", async () => {
      await using setup = await setUp();
      await using apps = await start(setup, [http, http], {});
      const [here, there] = apps.list as [RunningApp, RunningApp];
      const heard = new Queue<string>();
      here.spry.subscribe("room", (message) => {
        if (message.text() === "question") here.spry.publish("room", "answer");
      });
      there.spry.subscribe("room", (message) => heard.push(message.text()));
      await apps.ready();
      here.spry.publish("room", "question");
      expect(await heard.take(2)).toEqual(["question", "answer"]);
    });

    it.each(["spry.close()", "server.close()"])(
      "publish what an async close hook says at %s",
      async (how) => {
        await using setup = await setUp();
        const goodbye: Hooks = {
          ...hooks,
          async close(peer) {
            for (let i = 0; i < 20; i++) await nextTurn();
            peer.publish("room", "bye");
          },
        };
        await using apps = await start(setup, [http, http], goodbye);
        await using clients = await connect(apps.list);
        await apps.ready();
        const [{ spry, server }] = apps.list as [RunningApp];
        if (how === "spry.close()") await spry.close();
        else await new Promise((resolve) => server.close(resolve));
        expect(await clients.list[1]?.next()).toBe("bye");
        expect(spry.metrics()).toMatchObject({ backplanePublished: 1, backplaneDropped: 0 });
      },
    );

    it("publish what a close hook says whose peer had not answered until the end", async () => {
      await using setup = await setUp();
      const goodbye: Hooks = { ...hooks, close: (peer) => peer.publish("room", "bye") };
      await using apps = await start(setup, [http, http], goodbye);
      const [app, other] = apps.list as [RunningApp, RunningApp];
      using silent = await RawClient.connect(app.port, handshake());
      await silent.response();
      await using client = await Client.open(other.url("/"));
      await apps.ready();
      await app.spry.close({ deadlineMs: 1_000 });
      expect(await client.next()).toBe("bye");
      expect(app.spry.metrics().terminated.deadline).toBe(1);
    });

    operationsSuite(setUp);
  });
}
