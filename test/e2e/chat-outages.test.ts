import { setTimeout as sleep } from "node:timers/promises";
import { createNetwork, type Network } from "@spry-ws/testing";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { missingRedis, startRedis } from "../fixtures/brokers.ts";
import { hasBrowser, launchBrowser } from "./fixtures/browser.ts";
import {
  type ChatOptions,
  ChatProcess,
  type Framework,
  freePorts,
  type Ports,
} from "./fixtures/chat-process.ts";
import { Visitor } from "./fixtures/visitor.ts";

const lines = (count: number): string[] => Array.from({ length: count }, (_, i) => `line ${i}`);
const as = (whose: "mine" | "theirs", texts: readonly string[]) => texts.map((text) => `${whose}: ${text}`);

describe.skipIf(!hasBrowser())("the chat, through what happens to networks and servers", () => {
  let browser: Browser;
  let ports: Ports;
  let chat: ChatProcess;
  let urls: Record<Framework, string>;

  async function start(options: ChatOptions = {}): Promise<void> {
    chat = new ChatProcess(ports, options);
    urls = await chat.started();
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

  const join = (url: string, name: string) =>
    Visitor.join(browser, url, name, { prepare: (page) => page.clock.install() });

  /** Ada on Express, with a network of the test's between her and the server, and Grace on Fastify without one. */
  async function joinBehind(network: Network): Promise<{ ada: Visitor; grace: Visitor }> {
    return { ada: await join(network.url("/", "http"), "Ada"), grace: await join(urls.fastify, "Grace") };
  }

  test("a minute without a network, and then everything that was written is there, once and in order", async () => {
    await start();
    await using network = await createNetwork(ports.express);
    const { ada, grace } = await joinBehind(network);
    await ada.says("before");
    await grace.sees("before");

    network.goDown();
    await ada.seesState("Connection lost");
    for (const text of lines(3)) await ada.says(text);
    await ada.sees("Waits for the connection.");
    await ada.page.clock.runFor(60_000);
    await ada.seesState(/Trying again in \d+ s/);
    expect(await ada.remarks()).toEqual(["mine: before", ...as("mine", lines(3)).map(onItsWay)]);

    network.mend();
    await ada.page.clock.runFor(20_000);
    await grace.sees("line 2");
    expect(await grace.remarks()).toEqual(as("theirs", ["before", ...lines(3)]));
    await expect.poll(() => ada.remarks()).toEqual(as("mine", ["before", ...lines(3)]));
  });

  test("what nobody took in two minutes is shown as failed, and sent when its writer tries again", async () => {
    await start();
    await using network = await createNetwork(ports.express);
    const { ada, grace } = await joinBehind(network);
    network.goDown();
    await ada.seesState("Connection lost");
    for (const text of ["one", "two"]) await ada.says(text);
    await ada.page.clock.runFor(121_000);
    await expect.poll(() => ada.remarks()).toEqual(["mine: failed: one", "mine: failed: two"]);
    await ada.sees("Not sent. There was no answer for 2 minutes.");

    network.mend();
    await ada.page.clock.runFor(20_000);
    await ada.seesState("Connected");
    expect(await ada.remarks()).toEqual(["mine: failed: one", "mine: failed: two"]);
    for (let i = 0; i < 2; i++) await ada.page.getByRole("button", { name: "Try again" }).first().click();
    await grace.sees("two");
    expect(await grace.remarks()).toEqual(as("theirs", ["one", "two"]));
    await expect.poll(() => ada.remarks()).toEqual(as("mine", ["one", "two"]));
  });

  test.skipIf(missingRedis())(
    "a server that is killed while two people write costs a pause, and no line",
    async () => {
      await using redis = await startRedis();
      const options = { redisUrl: redis.url };
      await start(options);
      const ada = await Visitor.join(browser, urls.express, "Ada");
      const grace = await Visitor.join(browser, urls.fastify, "Grace");
      const rounds = [0, 1, 2];
      for (const round of rounds) {
        await Promise.all([ada.saysAtOnce(linesOf("Ada", round)), grace.saysAtOnce(linesOf("Grace", round))]);
        // Some lines are said, and some of those not answered yet.
        await grace.sees(`Ada ${round}.3`);
        await chat.kill("SIGKILL");
        for (const visitor of [ada, grace]) await visitor.seesState("Connection lost");
        await start(options);
        for (const visitor of [ada, grace]) await visitor.seesState("Connected");
        await grace.sees(`Ada ${round}.29`);
        await ada.sees(`Grace ${round}.29`);
      }
      const all = (name: string) => rounds.flatMap((round) => linesOf(name, round));
      for (const [visitor, name, other] of [
        [ada, "Ada", "Grace"],
        [grace, "Grace", "Ada"],
      ] as const) {
        const remarksOf = async (whose: string) =>
          (await visitor.remarks()).filter((remark) => remark.startsWith(whose));
        await expect.poll(() => remarksOf("mine")).toEqual(as("mine", all(name)));
        expect(await remarksOf("theirs")).toEqual(as("theirs", all(other)));
      }
    },
  );

  test("200 lines at once arrive, in order", async () => {
    await start();
    const ada = await Visitor.join(browser, urls.express, "Ada");
    const grace = await Visitor.join(browser, urls.koa, "Grace");
    await ada.saysAtOnce(lines(200));
    await grace.sees("line 199");
    expect(await grace.remarks()).toEqual(as("theirs", lines(200)));
    await expect.poll(() => ada.remarks()).toEqual(as("mine", lines(200)));
    await ada.seesState("Connected");
  });

  test("a server that is frozen is noticed, and what was written meanwhile is said when it goes on", async () => {
    await start({ heartbeatMs: 1_000 });
    const ada = await Visitor.join(browser, urls.express, "Ada");
    const grace = await Visitor.join(browser, urls.fastify, "Grace");
    chat.signal("SIGSTOP");
    await ada.says("anybody?");
    await sleep(500);
    await ada.seesState("Connected");
    // A heartbeat, 10 seconds in which it may be late, and 5 until somebody looks.
    await ada.seesState("Connection lost");
    expect(await ada.remarks()).toEqual([onItsWay("mine: anybody?")]);
    chat.signal("SIGCONT");
    await grace.sees("anybody?");
    await grace.says("yes");
    await ada.sees("yes");
    expect(await grace.remarks()).toEqual(["theirs: anybody?", "mine: yes"]);
    await expect.poll(() => ada.remarks()).toEqual(["mine: anybody?", "theirs: yes"]);
    for (const visitor of [ada, grace]) await visitor.seesState("Connected");
  });
});

const onItsWay = (remark: string) => remark.replace(": ", ": on its way: ");
const linesOf = (name: string, round: number): string[] =>
  Array.from({ length: 30 }, (_, i) => `${name} ${round}.${i}`);
