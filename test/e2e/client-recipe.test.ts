import { readFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { spryWs, ws } from "@spry-ws/express";
import express from "express";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { blocksOf } from "../../docs/snippets/markdown.mjs";
import { listen } from "../fixtures/listen.ts";
import { hasBrowser, launchBrowser } from "./fixtures/browser.ts";
import { recordWaits } from "./fixtures/network.ts";

const guide = new URL("../../docs/guide/shutdown.md", import.meta.url);
const recipe = blocksOf(readFileSync(guide, "utf8")).find(({ name }) => name === "Clients");

const page = `<!doctype html>
  <script type="module">
    import { connect } from "/client.js";
    window.states = [];
    connect(location.href.replace("http", "ws").replace("page", "chat"), () => {}, (...state) => states.push(state.join(" ")));
  </script>`;

/** `/page/…` is a page that connects to `/chat/…`. */
async function serveRecipe() {
  const app = express();
  const spry = spryWs({ onError: () => {} });
  let handshakes = 0;
  app.get("/client.js", (_request, response) => void response.type("js").send(recipe?.code.join("\n")));
  app.get("/page/:case", (_request, response) => void response.type("html").send(page));
  app.use("/chat", (request, _response, next) => {
    if (request.headers.upgrade) handshakes++;
    next();
  });
  app.use(spry);
  app.get("/chat/unauthorized", (_request, response) => void response.sendStatus(401));
  app.get("/chat/redirect", (_request, response) => response.redirect("/login"));
  app.get("/chat/fine", ws({}));
  app.get(
    "/chat/broken",
    ws({
      open() {
        throw new Error("a bug");
      },
    }),
  );
  const server = await listen(createServer(app as RequestListener));
  spry.attach(server.server);
  return { ...server, spry, handshakes: () => handshakes };
}

describe.skipIf(!hasBrowser())("the client of the page on shutdown, in a browser", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
  });
  afterAll(() => browser?.close());

  const states = (page: Page) => page.evaluate(() => Reflect.get(window, "states") as string[]);

  test.each(["unauthorized", "redirect"])("gives up where middleware refuses: %s", async (name) => {
    await using app = await serveRecipe();
    const page = await browser.newPage();
    await page.goto(app.httpUrl(`/page/${name}`));
    await expect.poll(() => states(page)).toEqual(["lost 1006", "over 1006"]);
    expect(app.handshakes()).toBe(1);
  });

  test("comes back after a restart", async () => {
    await using app = await serveRecipe();
    const page = await browser.newPage();
    await page.goto(app.httpUrl("/page/fine"));
    await expect.poll(() => states(page)).toEqual(["open"]);
    for (const peer of app.spry.peers) void peer.close(1012, "restart");
    await expect.poll(() => states(page)).toEqual(["open", "lost 1012", "open"]);
  });

  test("waits longer each time where a hook throws as soon as the connection is open", async () => {
    await using app = await serveRecipe();
    const page = await browser.newPage();
    const waits = await recordWaits(page);
    await page.addInitScript(() => Object.assign(Math, { random: () => 0.5 }));
    await page.goto(app.httpUrl("/page/broken"));
    await expect.poll(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
  });
});
