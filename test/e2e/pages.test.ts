import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { start as startNotes } from "@spry-ws/example-fastify-jwt";
import { start as startGame } from "@spry-ws/example-koa-game";
import { start as startAnswers } from "@spry-ws/example-llm-stream";
import { start as startRoom } from "@spry-ws/example-session-room";
import { start as startClicks } from "@spry-ws/example-vite-dev";
import type { AxeResults } from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { missingRedis } from "../fixtures/brokers.ts";
import { run } from "../fixtures/example.ts";
import { hasBrowser, launchBrowser } from "./fixtures/browser.ts";
import { ChatProcess, freePorts } from "./fixtures/chat-process.ts";
import { startCluster } from "./fixtures/cluster.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** A page of an example, and what is done in it before it is looked at. */
interface Example extends AsyncDisposable {
  readonly url: string;
  enter?(page: Page): Promise<void>;
}

const connected = (page: Page) => page.getByRole("status").getByText("Connected").waitFor();

/** Of an app that a test runs itself. */
async function example(
  app: Promise<{ port: number; stop(): Promise<void> }>,
  enter?: Example["enter"],
): Promise<Example> {
  const running = await run(app);
  return {
    url: running.httpUrl("/"),
    ...(enter && { enter }),
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

async function enterByName(page: Page): Promise<void> {
  await page.getByLabel("Your name").fill("Ada Lovelace");
  await page.getByRole("button", { name: "Join" }).click();
  await connected(page);
  await page.getByLabel("Message", { exact: true }).fill("A line");
  await page.getByLabel("Message", { exact: true }).press("Enter");
  await page.getByRole("log").getByText("A line").last().waitFor();
}

const examples: Readonly<Record<string, () => Promise<Example>>> = {
  async chat() {
    const chat = new ChatProcess(await freePorts());
    const { express } = await chat.started();
    return { url: express, enter: enterByName, [Symbol.asyncDispose]: () => chat[Symbol.asyncDispose]() };
  },
  "koa-game": () => example(startGame({ port: 0 }), connected),
  "session-room, login": () => example(startRoom({ port: 0 })),
  "session-room": () =>
    example(startRoom({ port: 0 }), async (page) => {
      await page.getByLabel("Name").fill("ada");
      await page.getByLabel("Password").fill("difference engine");
      await page.getByRole("button", { name: "Log in" }).click();
      await connected(page);
    }),
  "llm-stream": () => example(startAnswers({ port: 0 }), connected),
  "fastify-jwt": () =>
    example(startNotes({ port: 0 }), async (page) => {
      await page.getByLabel("Name").fill("ada");
      await page.getByRole("button", { name: "Log in" }).click();
      await connected(page);
    }),
  "vite-dev": () => example(startClicks({ port: 0, isDevelopment: true }), connected),
  ...(!missingRedis() && {
    async cluster() {
      const cluster = await startCluster(undefined);
      return {
        url: cluster.urls["koa"] ?? "",
        enter: enterByName,
        [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
      };
    },
  }),
};

describe.skipIf(!hasBrowser())("the page of each example", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());

  /** Looks at a page in one scheme and width; what is wrong with it. */
  async function look(
    { url, enter }: Example,
    colorScheme: "light" | "dark",
    width: number,
  ): Promise<string[]> {
    const viewport = { width, height: 780 };
    // The script of axe is the test's, whatever the page allows; that is only for it.
    const context = await browser.newContext({
      colorScheme,
      viewport,
      reducedMotion: "reduce",
      bypassCSP: true,
    });
    const page = await context.newPage();
    const wrong: string[] = [];
    page.on("console", (message) => message.type() === "error" && wrong.push(`console: ${message.text()}`));
    page.on("pageerror", (error) => wrong.push(String(error)));
    page.on("request", (request) => {
      const { hostname, protocol } = new URL(request.url());
      if (protocol !== "data:" && !["localhost", "127.0.0.1"].includes(hostname)) wrong.push(request.url());
    });
    await page.goto(url);
    await enter?.(page);
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => Reflect.get(window, "axe").run() as Promise<AxeResults>);
    for (const { id, nodes } of violations) wrong.push(`${id}: ${nodes.map(({ html }) => html).join(" ")}`);
    const scrolls = await page.evaluate(() => document.documentElement.scrollWidth);
    if (scrolls > width) wrong.push(`${scrolls} pixels wide`);
    const icon = await page.locator('link[rel="icon"]').getAttribute("href");
    if (!icon) wrong.push("no icon");
    await context.close();
    return wrong;
  }

  for (const [name, start] of Object.entries(examples))
    test(`${name}: nothing wrong in either scheme, on a desktop and a phone`, async () => {
      await using running = await start();
      for (const colorScheme of ["light", "dark"] as const)
        for (const width of [1_280, 390])
          expect.soft(await look(running, colorScheme, width), `${colorScheme}, ${width}`).toEqual([]);
    }, 180_000);
});
