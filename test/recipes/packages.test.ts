import { once } from "node:events";
import { createServer } from "node:http";
import { createSpryWs } from "@spry-ws/core";
import { defineHooks, type Hooks, spryWs } from "@spry-ws/express";
import { connect, refused } from "@spry-ws/testing";
import express from "express";
import { expect, it, vi } from "vitest";
import { describePage, type Run } from "./page.ts";

describePage("docs/index.md", (recipe) => {
  recipe("spry-ws", (run) => {
    it("answers a ping, and tells what happens", async () => {
      const running = await run<{ chat: Hooks }>({ take: ["chat"] });
      const app = express();
      app.use(spryWs());
      app.ws("/chat", running.names.chat);
      const client = await connect(app, "/chat");
      client.send("ping");
      expect(await client.text()).toBe("pong");
      await client.close(1000, "enough");
      await vi.waitFor(() =>
        expect(running.printed).toEqual([
          expect.stringMatching(/^upgrading http:\/\/127\.0\.0\.1:\d+\/chat$/),
          expect.stringMatching(/^open: 127\.0\.0\.1:\d+$/),
          "closed with 1000 enough",
        ]),
      );
    });
  });
});

describePage("packages/express/README.md", (recipe) => {
  recipe("@spry-ws/express", (run) => {
    it("passes on what users say in their room", async () => {
      const { url } = await run();
      expect((await refused(url, "/chat")).body).toBe("Who are you?");
      expect(await (await fetch(`${url}/rooms/blue`)).text()).toBe("a page");
      const open = (path: string, user: string) => connect(url, path, { headers: { "x-user": user } });
      await using ada = await open("/rooms/blue", "Ada");
      await using grace = await open("/rooms/blue", "Grace");
      await using elsewhere = await open("/chat", "Ken");
      await Promise.all([ada, grace, elsewhere].map((client) => client.ping()));
      grace.send("hello");
      expect(await ada.text()).toBe("Grace: hello");
      await elsewhere.ping();
      expect(elsewhere.unread).toEqual([]);
    });
  });
});

/** What one says, the others at the same path hear. */
async function isARoom(url: string, path: string): Promise<void> {
  await using one = await connect(url, path);
  await using other = await connect(url, path);
  await Promise.all([one, other].map((client) => client.ping()));
  one.send("hello");
  for await (const message of other) if (message.text() === "hello") break;
}

describePage("packages/fastify/README.md", (recipe) => {
  recipe("@spry-ws/fastify", (run) => {
    it("passes on what is said in a room, and answers a plain request with its page", async () => {
      const { url } = await run({ replace: { "logger: true": "logger: false" } });
      await isARoom(url, "/chat");
      await isARoom(url, "/rooms/blue");
      expect(await (await fetch(`${url}/rooms/blue`)).text()).toBe("a page");
    });
  });
});

describePage("packages/koa/README.md", (recipe) => {
  recipe("@spry-ws/koa", (run) => {
    it("greets, and passes on what is said", async () => {
      const { url } = await run();
      await using client = await connect(url, "/chat");
      expect(await client.text()).toMatch(/^hello (::ffff:)?127\.0\.0\.1$/);
      await isARoom(url, "/chat");
    });
  });
});

/** An app as the pages on testing test it: it echoes, for those with a cookie. */
function makeApp(path: string, cookie: string) {
  const app = express();
  app.use(spryWs());
  const echo = defineHooks({
    message: (peer, message) => void peer.send(message.text() === "ping" ? "pong" : message),
  });
  app.use(path, (request, response, next) => {
    if (cookie === "" || request.get("cookie")?.includes(cookie)) next();
    else response.status(401).type("text").send("Log in first");
  });
  app.ws(path, echo);
  return app;
}

/** The block is a test file itself: its tests are told here, where there are no other apps. */
async function testFile(run: Run, path: string, cookie: string): Promise<Map<string, () => Promise<void>>> {
  const tests = new Map<string, () => Promise<void>>();
  await run({
    give: {
      app: makeApp(path, cookie),
      test: (name: string, test: () => Promise<void>) => tests.set(name, test),
    },
    replace: { 'import { expect, test } from "vitest";': 'import { expect } from "vitest";' },
  });
  return tests;
}

describePage("docs/guide/testing.md", (recipe) => {
  recipe("Testing", (run) => {
    it("has tests that pass with such an app, and fail with another one", async () => {
      const tests = await testFile(run, "/chat", "sid=1");
      expect([...tests.keys()]).toEqual(["answers a ping", "refuses strangers"]);
      for (const test of tests.values()) await test();
      const open = await testFile(run, "/chat", "");
      await expect(open.get("refuses strangers")?.()).rejects.toThrow("accepted");
    });
  });

  recipe("With any other client", (run) => {
    it("prints what comes back", async () => {
      expect((await run()).printed).toEqual(["hello"]);
    });
  });

  recipe("A clock that is moved", (run) => {
    it("has a test that passes", async () => {
      const spry = createSpryWs();
      const server = createServer(spry.handler({}));
      spry.attach(server);
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const tests = new Map<string, () => Promise<void>>();
      await run({
        give: { server, vi, test: (name: string, test: () => Promise<void>) => tests.set(name, test) },
        replace: {
          'import { expect, test, vi } from "vitest";': 'import { expect } from "vitest";',
          "declare const server: Server;": "",
        },
      });
      await tests.get("comes back within a minute")?.();
      await spry.close({ deadlineMs: 0 });
      server.close();
    });
  });

  recipe("Several processes in one test", (run) => {
    it("has two instances that hear each other", async () => {
      type Names = Record<"one" | "other", ReturnType<typeof spryWs>>;
      // Those of core have no middleware.
      const { names } = await run<Names>({
        give: { createSpryWs: spryWs },
        take: ["one", "other"],
        replace: { "createSpryWs, memoryBackplane": "memoryBackplane" },
      });
      const app = express();
      app.use(names.one);
      app.ws("/", { open: (peer) => peer.subscribe("chat") });
      await using client = await connect(app);
      await client.ping();
      await names.one.ready();
      names.other.publish("chat", "hello");
      expect(await client.text()).toBe("hello");
    });
  });
});

describePage("packages/testing/README.md", (recipe) => {
  recipe("@spry-ws/testing", (run) => {
    it("has tests of which each passes with such an app", async () => {
      const open = await testFile(run, "/chat/blue", "");
      await open.get("echoes")?.();
      const closed = await testFile(run, "/chat/blue", "sid=1");
      await closed.get("refuses strangers")?.();
      expect([...open.keys()]).toEqual(["echoes", "refuses strangers"]);
    });
  });

  recipe("refused(app, path, options)", (run) => {
    it("prints the refusal", async () => {
      const { printed } = await run({ give: { app: makeApp("/chat", "") } });
      expect(printed).toEqual([expect.stringMatching(/^403 text\/plain/)]);
    });
  });

  recipe("Beside supertest", (run) => {
    it("connects with the cookies of the agent", async () => {
      const app = makeApp("/chat", "sid=1");
      app.post("/login", (_request, response) => void response.cookie("sid", "1").sendStatus(204));
      await run({ give: { app } });
    });
  });
});
