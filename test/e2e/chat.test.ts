import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { hasBrowser, launchBrowser } from "./fixtures/browser.ts";
import { ChatProcess, type Framework, freePorts, type Ports } from "./fixtures/chat-process.ts";
import { sideBySide } from "./fixtures/side-by-side.ts";
import { Visitor } from "./fixtures/visitor.ts";

const results = fileURLToPath(new URL("results/", import.meta.url));
const picture = fileURLToPath(new URL("../../docs/images/chat.png", import.meta.url));
const phone = { viewport: { width: 390, height: 780 }, deviceScaleFactor: 2 };
const desktop = { viewport: { width: 760, height: 630 } };

describe.skipIf(!hasBrowser())("the chat in a browser", () => {
  let browser: Browser;
  let ports: Ports;
  let chat: ChatProcess;
  let urls: Record<Framework, string>;

  beforeAll(async () => {
    browser = await launchBrowser();
    mkdirSync(results, { recursive: true });
  });
  beforeEach(async () => {
    ports = await freePorts();
    chat = new ChatProcess(ports);
    urls = await chat.started();
  });
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
    await chat.kill("SIGKILL");
  });
  afterAll(() => browser?.close());

  test("people on different frameworks see each other come, hear each other, and see each other go", async () => {
    const ada = await Visitor.join(browser, urls.express, "Ada");
    const grace = await Visitor.join(browser, urls.fastify, "Grace");
    await ada.sees("Grace joined through fastify");
    const ken = await Visitor.join(browser, urls.koa, "Ken");
    await ada.sees("Ken joined through koa");
    await grace.sees("Ken joined through koa");
    await expect.poll(() => ada.people()).toEqual(["Ada express", "Grace fastify", "Ken koa"]);
    await expect.poll(() => ken.people()).toEqual(["Ken koa", "Ada express", "Grace fastify"]);

    for (const [speaker, text] of [
      [ada, "from Express"],
      [grace, "from Fastify"],
      [ken, "from Koa"],
    ] as const) {
      await speaker.says(text);
      for (const visitor of [ada, grace, ken]) await visitor.sees(text);
    }

    await ken.leaves();
    await ada.sees("Ken left");
    await grace.sees("Ken left");
    await expect.poll(() => ada.people()).toEqual(["Ada express", "Grace fastify"]);
    expect([...ada.errors, ...grace.errors, ...ken.errors]).toEqual([]);
  });

  test("who joins later reads what was said", async () => {
    const ada = await Visitor.join(browser, urls.koa, "Ada");
    await ada.says("is anybody here?");
    await ada.sees("is anybody here?");
    const grace = await Visitor.join(browser, urls.express, "Grace");
    await grace.sees("is anybody here?");
  });

  test("shows who is typing until they have said it, or stopped", async () => {
    const ada = await Visitor.join(browser, urls.express, "Ada");
    const grace = await Visitor.join(browser, urls.fastify, "Grace");
    await grace.field.pressSequentially("hi");
    await ada.seesTyping("Grace is typing");
    await ada.field.pressSequentially("what");
    await grace.seesTyping("Ada is typing");
    await grace.field.press("Enter");
    await ada.sees("hi");
    await ada.seesTyping("");
    await grace.seesTyping("");
  });

  test("shows markup as the text it is", async () => {
    const ada = await Visitor.join(browser, urls.express, "<b>Ada</b>");
    const grace = await Visitor.join(browser, urls.fastify, "Grace");
    await ada.says("<img src=x onerror=alert(1)>");
    await grace.sees("<img src=x onerror=alert(1)>");
    expect(await grace.page.locator("#log img, #log b, #people b").count()).toBe(0);
    await expect.poll(() => grace.people()).toEqual(["Grace fastify", "<b>Ada</b> express"]);
    expect(grace.errors).toEqual([]);
  });

  test("remembers the name, until it is changed", async () => {
    const ada = await Visitor.join(browser, urls.express, "Ada");
    await ada.page.reload();
    await ada.sees("You joined through");
    await expect.poll(() => ada.people()).toEqual(["Ada express"]);
    await ada.page.getByRole("button", { name: "Change name" }).click();
    await ada.page.getByLabel("Your name").fill("Countess");
    await ada.page.getByLabel("Your name").press("Enter");
    await ada.page.locator("#people").getByText("Countess").waitFor();
  });

  test("links to the same room on the other frameworks", async () => {
    const ada = await Visitor.join(browser, urls.express, "Ada");
    const opened = ada.page.waitForEvent("popup");
    await ada.page.getByRole("link", { name: "Open on Koa" }).click();
    expect((await opened).url()).toBe(urls.koa);
  });

  test("comes back by itself when the server does, and sends then what was written meanwhile", async () => {
    const ada = await Visitor.join(browser, urls.express, "Ada");
    const grace = await Visitor.join(browser, urls.fastify, "Grace");
    const ken = await Visitor.join(browser, urls.koa, "Ken");
    const visitors = [ada, grace, ken];
    await ada.says("before");
    await ken.sees("before");

    await chat.kill("SIGKILL");
    for (const visitor of visitors) await visitor.seesState("Connection lost");
    await ada.says("while away");
    await ken.says("while Ada wrote");
    await ada.sees("Waits for the connection.");

    chat = new ChatProcess(ports);
    await chat.started();
    for (const visitor of visitors) await visitor.sees("You are back");
    for (const visitor of visitors) await visitor.seesState("Connected");
    for (const visitor of visitors) {
      await visitor.sees("while away");
      await visitor.sees("while Ada wrote");
    }
    expect(await ada.page.getByText("Waits for the connection.").count()).toBe(0);
    await ken.says("after");
    for (const visitor of visitors) await visitor.sees("after");
    await ada.sees("before");
    await expect
      .poll(async () => (await grace.people()).sort())
      .toEqual(["Ada express", "Grace fastify", "Ken koa"]);
  });

  test("Ctrl-C says goodbye to open pages, and the process ends by itself", async () => {
    const ada = await Visitor.join(browser, urls.express, "Ada");
    const grace = await Visitor.join(browser, urls.fastify, "Grace");
    const ken = await Visitor.join(browser, urls.koa, "Ken");
    expect(await chat.kill("SIGINT")).toBe(0);
    for (const visitor of [ada, grace, ken])
      await visitor.seesState("Connection lost: the server has stopped. Trying again");
    for (const visitor of [ada, grace, ken]) expect(await visitor.page.getByText(" left").count()).toBe(0);
  });

  test("fits on a phone, whatever is written", async () => {
    const ada = await Visitor.join(browser, urls.express, "Ada", phone);
    const grace = await Visitor.join(browser, urls.fastify, "W".repeat(24), desktop);
    await Visitor.join(browser, urls.koa, "A name of some length", desktop);
    await ada.sees("A name of some length joined");
    await grace.says("word ".repeat(40));
    await grace.says("w".repeat(200));
    await ada.says("w".repeat(200));
    await ada.sees("w".repeat(200));
    const widths = () =>
      ada.page.evaluate(() =>
        [document.documentElement, document.querySelector("#log")].map((e) => e?.scrollWidth),
      );
    expect(await widths()).toEqual([390, 390]);
    // Nothing at the top is cut off; what does not fit among the people scrolls.
    for (const part of [ada.page.getByRole("button", { name: "Change name" }), ada.page.locator("header")]) {
      const box = await part.boundingBox();
      expect(box && box.x + box.width).toBeLessThanOrEqual(390);
    }
    // The messages scroll, the page does not.
    expect(await ada.page.evaluate(() => document.documentElement.scrollHeight)).toBe(780);
    await chat.kill("SIGKILL");
    await ada.seesState("Connection lost");
    expect(await widths()).toEqual([390, 390]);
  });

  test("has its picture taken", async () => {
    const ada = await Visitor.join(browser, urls.express, "Ada", desktop);
    const grace = await Visitor.join(browser, urls.fastify, "Grace", { ...desktop, colorScheme: "dark" });
    const ken = await Visitor.join(browser, urls.koa, "Ken", { ...phone, colorScheme: "dark" });
    await ada.says("Hello! I came in through Express.");
    await grace.sees("Hello!");
    await grace.says("Hello, Ada. Fastify here.");
    await grace.says("Same hooks, same room.");
    await ken.sees("Same hooks");
    await ken.says("And Koa on the phone. Does anyone have the notes from yesterday?");
    await ada.sees("on the phone");
    await ada.says("I do. Give me a minute.");
    await grace.field.pressSequentially("Thank you");
    await Promise.all([ada, ken].map((visitor) => visitor.seesTyping("Grace is typing")));
    const light = await ada.page.screenshot({ path: `${results}desktop-light.png` });
    await ken.page.screenshot({ path: `${results}phone-dark.png` });
    const dark = await grace.page.screenshot({ path: `${results}desktop-dark.png` });
    const update = process.env["UPDATE_SCREENSHOTS"] === "1";
    await sideBySide(browser, [light, dark], update ? picture : `${results}side-by-side.png`);
  });
});
