import { createNetwork, type Network } from "@spry-ws/testing";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { missingRedis, startRedis } from "../fixtures/brokers.ts";
import { hasBrowser, launchBrowser } from "./fixtures/browser.ts";
import { openChat } from "./fixtures/chat-client.ts";
import {
  type ChatOptions,
  ChatProcess,
  type Framework,
  freePorts,
  type Ports,
} from "./fixtures/chat-process.ts";
import { Visitor } from "./fixtures/visitor.ts";

describe.skipIf(!hasBrowser())("the chat, to whoever was away", () => {
  let browser: Browser;
  let ports: Ports;
  let chat: ChatProcess;
  let urls: Record<Framework, string>;

  async function start(options: ChatOptions = {}): Promise<void> {
    chat = new ChatProcess(ports, options);
    urls = await chat.started();
  }

  /** Says lines without a page, and settles when the log has them. */
  async function say(...texts: string[]): Promise<void> {
    const client = openChat(ports.koa, "Ken", "ken");
    await Promise.all(texts.map((text) => client.request("say", { id: text.replaceAll(" ", "-"), text })));
    client.close();
  }

  /** Waits for the notice of someone who is back for the nth time. */
  const seesArrival = (visitor: Visitor, n: number, text: string) =>
    expect
      .poll(
        async () => (await visitor.page.locator(".notice", { hasText: "You are back" }).allTextContents())[n],
      )
      .toBe(`You are back, through express${text}`);

  /** While someone has no network. */
  async function away(visitor: Visitor, network: Network, meanwhile: () => Promise<unknown>): Promise<void> {
    network.goDown();
    await visitor.seesState("Connection lost");
    await meanwhile();
    network.mend();
    await visitor.seesState("Connected");
  }

  beforeAll(async () => {
    browser = await launchBrowser();
  });
  beforeEach(async () => {
    ports = await freePorts();
  });
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
    await chat.kill("SIGKILL");
  });
  afterAll(() => browser?.close());

  test("says how many lines of others were missed, each time anew", async () => {
    await start();
    await using network = await createNetwork(ports.express);
    const ada = await Visitor.join(browser, network.url("/", "http"), "Ada");
    await say("before");
    await ada.sees("before");
    await away(ada, network, () => say("one"));
    await seesArrival(ada, 0, ": resumed, 1 missed line");
    await say("there");
    await ada.sees("there");
    await away(ada, network, async () => {
      await say("two", "three");
      await ada.says("mine");
      await say("four");
    });
    await ada.sees("mine");
    await seesArrival(ada, 1, ": resumed, 3 missed lines");
    await away(ada, network, async () => {});
    await seesArrival(ada, 2, "");
    expect(await ada.remarks()).toEqual([
      "theirs: before",
      "theirs: one",
      "theirs: there",
      "theirs: two",
      "theirs: three",
      "theirs: four",
      "mine: mine",
    ]);
    // They stand below the notice that counts them.
    const rows = await ada.page.locator("#messages > li").allTextContents();
    const place = (text: string) => rows.findIndex((row) => row.includes(text));
    expect(place("1 missed line")).toBeLessThan(place("one"));
    expect(place("there")).toBeLessThan(place("3 missed lines"));
    expect(place("3 missed lines")).toBeLessThan(place("two"));
    expect(ada.errors.filter((error) => !error.includes("WebSocket connection"))).toEqual([]);
  });

  test("brings everything after a long absence", async () => {
    await start();
    await using network = await createNetwork(ports.express);
    const ada = await Visitor.join(browser, network.url("/", "http"), "Ada");
    const texts = Array.from({ length: 60 }, (_, i) => `line ${i}`);
    await away(ada, network, () => say(...texts));
    await seesArrival(ada, 0, ": resumed, 60 missed lines");
    expect(await ada.remarks()).toEqual(texts.map((text) => `theirs: ${text}`));
    expect(await ada.page.getByText("missing here").count()).toBe(0);
  });

  test("knows who reloads the page, and shows the last lines above their arrival, once", async () => {
    await start();
    const ada = await Visitor.join(browser, urls.express, "Ada");
    await say(...Array.from({ length: 55 }, (_, i) => `line ${i}`));
    await ada.says("mine");
    await ada.sees("mine");
    await expect.poll(() => ada.remarks()).toHaveLength(56);
    await ada.page.reload();
    await ada.sees("You joined through");
    const last = Array.from({ length: 49 }, (_, i) => `theirs: line ${i + 6}`);
    await expect.poll(() => ada.remarks()).toEqual([...last, "mine: mine"]);
    expect(await ada.page.locator("#messages > li").last().textContent()).toBe("You joined through express");
    await expect.poll(() => ada.people()).toEqual(["Ada express"]);
    await say("after");
    await ada.sees("after");
    const rows = await ada.page.locator("#messages > li").allTextContents();
    const place = (text: string) => rows.findIndex((row) => row.includes(text));
    expect(place("You joined")).toBeLessThan(place("after"));
  });

  test.skipIf(missingRedis())("has the same log after a restart, in Redis", async () => {
    await using redis = await startRedis();
    await start({ redisUrl: redis.url });
    const ada = await Visitor.join(browser, urls.express, "Ada");
    await say("before");
    await ada.sees("before");
    await chat.kill("SIGKILL");
    await ada.seesState("Connection lost");
    await start({ redisUrl: redis.url });
    await say("meanwhile");
    await ada.sees("meanwhile");
    const grace = await Visitor.join(browser, urls.fastify, "Grace");
    for (const visitor of [ada, grace])
      await expect.poll(() => visitor.remarks()).toEqual(["theirs: before", "theirs: meanwhile"]);
    expect(await ada.page.getByText("missing here").count()).toBe(0);
  });

  test("says that lines may be missing where the log was in memory, and the server was started anew", async () => {
    await start();
    const ada = await Visitor.join(browser, urls.express, "Ada");
    await say("before");
    await ada.sees("before");
    await chat.kill("SIGKILL");
    await ada.seesState("Connection lost");
    await start();
    await ada.sees("Some lines may be missing here.");
    await ada.says("after");
    await expect.poll(() => ada.remarks()).toEqual(["theirs: before", "mine: after"]);
  });

  test.skipIf(missingRedis())(
    "says why a line is not sent while its log is away, and takes it when it is back",
    async () => {
      await using redis = await startRedis();
      await start({ redisUrl: redis.url });
      const ada = await Visitor.join(browser, urls.express, "Ada");
      await ada.says("before");
      await expect.poll(() => ada.remarks()).toEqual(["mine: before"]);
      await redis.kill();
      await ada.says("into the outage");
      await ada.sees("Not sent. The log cannot be reached.");
      await redis.start();
      await expect
        .poll(async () => {
          const again = ada.page.getByRole("button", { name: "Try again" });
          if (await again.isVisible()) await again.click();
          return ada.remarks();
        })
        .toContain("mine: into the outage");
    },
  );

  test("marks the reader among the people, and as the one who said their lines", async () => {
    await start();
    const ada = await Visitor.join(browser, urls.express, "Ada");
    await Visitor.join(browser, urls.koa, "Grace");
    await ada.says("hello");
    await expect.poll(() => ada.remarks()).toEqual(["mine: hello"]);
    await ada.sees("Grace joined");
    expect(await ada.page.locator("#people li", { hasText: "you" }).allTextContents()).toEqual([
      expect.stringContaining("Ada"),
    ]);
    const who = ada.page.locator("#messages .mine .who");
    expect(await who.getByText("You", { exact: true }).isVisible()).toBe(true);
  });
});
