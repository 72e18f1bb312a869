import { createServer, type RequestListener } from "node:http";
import { fileURLToPath } from "node:url";
import { defineContract } from "@spry-ws/contract";
import { spryWs } from "@spry-ws/express";
import { createService } from "@spry-ws/service";
import express from "express";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { listen } from "../fixtures/listen.ts";
import { hasBrowser, launchBrowser } from "./fixtures/browser.ts";
import { openHidden } from "./fixtures/hidden-tab.ts";

const contract = defineContract({
  events: { seen: z.array(z.string()) },
  topics: { news: { message: z.number(), history: true, presence: z.string() } },
});

/** A page that tells the service, with each item, all that it has seen. */
const page = `<!doctype html>
  <script type="importmap">
    { "imports": { "@spry-ws/client": "/client/index.js", "@spry-ws/contract": "/contract/index.js", "@spry-ws/contract/wire": "/contract/wire.js" } }
  </script>
  <script type="module">
    import { connect } from "@spry-ws/client";
    const client = connect("/live");
    window.states = [];
    client.onStatus(({ state }) => states.push(state));
    const seen = [];
    const tell = () => client.emit("seen", seen);
    client.topic("news", {}, { from: "start" }).onItem((item) => {
      seen.push(item.type === "message" ? String(item.data) : item.type);
      tell();
    });
    addEventListener("pageshow", ({ persisted }) => persisted && seen.push("back"));
  </script>`;

const esm = (name: string) =>
  express.static(fileURLToPath(new URL(`../../packages/${name}/esm/`, import.meta.url)));

async function serve() {
  const app = express();
  app.use("/client", esm("client"));
  app.use("/contract", esm("contract"));
  app.get("/page", (_request, response) => void response.type("html").send(page));
  app.get("/elsewhere", (_request, response) => void response.type("html").send("<!doctype html>"));
  const spry = spryWs();
  app.use(spry);
  let seen: readonly string[] = [];
  const closes: string[] = [];
  const live = createService(spry, contract, {
    close: (_peer, code, reason) => void closes.push(`${code} ${reason}`),
    events: {
      seen(_peer, items) {
        seen = items;
      },
    },
    topics: {
      news: { subscribe: true, presence: () => ({ key: "visitor", data: "here" }), graceMs: 5_000 },
    },
    limits: { heartbeatMs: 1_000 },
  });
  const presence: string[] = [];
  live.presence("news", {}).listen(({ joined, left, updated }) => {
    presence.push(...joined.map(() => "joined"), ...left.map(() => "left"), ...updated.map(() => "updated"));
  });
  app.ws("/live", live);
  const { server, port } = await listen(createServer(app as RequestListener));
  return {
    url: (path: string) => `http://localhost:${port}${path}`,
    publish: (n: number) => live.publish("news", {}, n),
    seen: () => seen,
    closes,
    /** What has become of the visitor, who is one member in all pages. */
    presence,
    async [Symbol.asyncDispose]() {
      await spry.close({ deadlineMs: 0 });
      server.close();
    },
  };
}

describe.skipIf(!hasBrowser())("a page with a durable topic", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser({ ignoreDefaultArgs: ["--disable-back-forward-cache"] });
  });
  afterAll(() => browser?.close());

  test("that is left says goodbye, and comes back from the back-forward cache with all it missed", async () => {
    await using service = await serve();
    const visitor = await browser.newPage();
    await visitor.goto(service.url("/page"));
    await service.publish(1);
    await expect.poll(service.seen).toEqual(["1"]);
    await visitor.goto(service.url("/elsewhere"));
    await expect.poll(() => service.closes).toEqual(["1000 page hidden"]);
    await service.publish(2);
    await visitor.evaluate(() => history.back());
    await expect.poll(service.seen).toEqual(["1", "back", "2"]);
    // It was away for less than the grace.
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    expect(service.presence).toEqual(["joined"]);
    await visitor.close();
  }, 30_000);

  test("that is loaded anew has not left, and one that is closed has, after the grace", async () => {
    await using service = await serve();
    const visitor = await browser.newPage();
    await visitor.goto(service.url("/page"));
    await expect.poll(() => service.presence).toEqual(["joined"]);
    for (let n = 1; n <= 3; n++) {
      await visitor.reload();
      await expect.poll(() => service.closes.length).toBe(n);
    }
    await service.publish(1);
    await expect.poll(service.seen).toEqual(["1"]);
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    expect(service.presence).toEqual(["joined"]);
    await visitor.close();
    await expect.poll(() => service.presence, { timeout: 10_000 }).toEqual(["joined", "left"]);
  }, 40_000);

  test("that is hidden until its timers run once a minute keeps its connection, and has everything", async () => {
    await using service = await serve();
    await using visitor = await openHidden(service.url("/page"), "window.states?.at(-1) === 'open'");
    await visitor.evaluate(`{
      let last = performance.now();
      window.pauses = [];
      setInterval(() => pauses.push(-last + (last = performance.now())), 200);
    }`);
    const published: string[] = [];
    const pause = async () => Math.max(...((await visitor.evaluate("[...pauses, 0]")) as number[]));
    while ((await pause()) < 20_000) {
      await service.publish(published.push(String(published.length + 1)));
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    await expect.poll(service.seen).toEqual(published);
    expect(await visitor.evaluate("[document.visibilityState, ...states]")).toEqual(["hidden", "open"]);
    expect(service.closes).toEqual([]);
  }, 180_000);

  // What a page in the background looks like from inside: its timers do not run for long, and then once.
  test("whose timers have slept for ten minutes keeps its connection, and has everything", async () => {
    await using service = await serve();
    const visitor = await browser.newPage();
    await visitor.clock.install();
    await visitor.goto(service.url("/page"));
    await service.publish(1);
    await expect.poll(service.seen).toEqual(["1"]);
    await visitor.clock.pauseAt(Date.now() + 60_000);
    await service.publish(2);
    await visitor.clock.fastForward(600_000);
    await visitor.clock.resume();
    await service.publish(3);
    await expect.poll(service.seen).toEqual(["1", "2", "3"]);
    // Whoever believed that it was dead would have another one by now.
    await visitor.clock.runFor(10_000);
    expect(await visitor.evaluate(() => Reflect.get(window, "states") as string[])).toEqual(["open"]);
    expect(service.closes).toEqual([]);
    await visitor.close();
  });
});
