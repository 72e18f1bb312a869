import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { hasBrowser, launchBrowser } from "./fixtures/browser.ts";
import { freePorts } from "./fixtures/chat-process.ts";
import { recordWaits, routed } from "./fixtures/network.ts";

const main = fileURLToPath(new URL("../../examples/cluster/dist/main.js", import.meta.url));

interface Cluster extends AsyncDisposable {
  readonly urls: Readonly<Record<string, string>>;
  readonly pids: Readonly<Record<string, number>>;
}

/** The three processes of `examples/cluster`, with a broker they start themselves if none is given. */
async function startCluster(brokerUrl: string | undefined): Promise<Cluster> {
  const { express, fastify, koa } = await freePorts();
  const env = {
    ...process.env,
    BROKER_URL: brokerUrl,
    PORT_EXPRESS: String(express),
    PORT_FASTIFY: String(fastify),
    PORT_KOA: String(koa),
  };
  const child: ChildProcess = spawn(process.execPath, [main], { env, stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  const signal = AbortSignal.timeout(20_000);
  while (!output.includes("Ctrl-C")) {
    const [text] = await once(child.stdout as NodeJS.ReadableStream, "data", { signal });
    output += String(text);
  }
  const rows = [...output.matchAll(/^ *(\w+) +(http:\S+) +process (\d+)$/gm)];
  return {
    urls: Object.fromEntries(rows.map(([, name, url]) => [name, url])),
    pids: Object.fromEntries(rows.map(([, name, , pid]) => [name, Number(pid)])),
    async [Symbol.asyncDispose]() {
      const ended = once(child, "exit");
      child.kill("SIGINT");
      expect((await ended)[0]).toBe(0);
    },
  };
}

async function join(browser: Browser, url: string | undefined, name: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(url ?? "");
  await page.getByLabel("Your name").fill(name);
  await page.getByRole("button", { name: "Join" }).click();
  await sees(page, "You: joined");
  return page;
}

const say = async (page: Page, text: string): Promise<void> => {
  await page.getByLabel("Message").fill(text);
  await page.getByLabel("Message").press("Enter");
};
const sees = (page: Page, text: string): Promise<void> =>
  page.getByRole("log").getByText(text).last().waitFor();

describe.skipIf(!hasBrowser())("three processes and a broker", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());

  describe("their page", () => {
    let cluster: Cluster;
    beforeAll(async () => {
      cluster = await startCluster(undefined);
    });
    afterAll(() => cluster?.[Symbol.asyncDispose]());
    afterEach(async () => {
      await Promise.all(browser.contexts().map((context) => context.close()));
    });
    const url = () => cluster.urls["koa"] ?? "";

    test("shows the form to join, then the one to write in, and never both", async () => {
      const page = await (await browser.newContext()).newPage();
      await page.goto(url());
      const [joinButton, sendButton] = ["Join", "Send"].map((name) => page.getByRole("button", { name }));
      expect([await joinButton?.isVisible(), await sendButton?.isVisible()]).toEqual([true, false]);
      await page.getByLabel("Your name").fill("Ada");
      await joinButton?.click();
      await sees(page, "You: joined");
      expect([await joinButton?.isVisible(), await sendButton?.isVisible()]).toEqual([false, true]);
    });

    test("joins once, however often it is told to", async () => {
      const watching = await join(browser, url(), "Watching");
      const page = await (await browser.newContext()).newPage();
      await page.goto(url());
      await page.getByLabel("Your name").fill("Twice");
      await page.evaluate(() => {
        const form = document.querySelector<HTMLFormElement>("#join");
        for (let i = 0; i < 2; i++) form?.requestSubmit();
      });
      await sees(page, "You: joined");
      await say(page, "once");
      await sees(watching, "Twice: once");
      expect(await watching.getByText("Twice: joined").count()).toBe(1);
    });

    test("says that a text is too long before it is sent, and cuts off nothing", async () => {
      const page = await join(browser, url(), "Ada");
      await say(page, "x".repeat(5_000));
      const field = page.getByLabel("Message");
      expect(await field.inputValue()).toHaveLength(5_000);
      expect(await field.evaluate((element: HTMLInputElement) => element.validationMessage)).toBe(
        "4000 characters too many: the longest has 1000.",
      );
      await say(page, "short");
      await sees(page, "Ada: short");
      expect(await page.getByText("xxx").count()).toBe(0);
    });

    test("keeps a text that went into a dying connection, and says so", async () => {
      const page = await (await browser.newContext()).newPage();
      const connection = await routed(page);
      await page.goto(url());
      await page.getByLabel("Your name").fill("Ada");
      await page.getByRole("button", { name: "Join" }).click();
      await sees(page, "You: joined");
      connection.losesMessages = true;
      await say(page, "does this arrive?");
      await connection.close({ code: 1001, reason: "restart" });
      await page
        .getByText("Connection lost (1001: restart). Your last message may not have arrived")
        .waitFor();
      expect(await page.getByLabel("Message").inputValue()).toBe("does this arrive?");
      connection.losesMessages = false;
      await page.getByText("Connected").waitFor();
      await page.getByLabel("Message").press("Enter");
      await sees(page, "Ada: does this arrive?");
      expect(await page.getByLabel("Message").inputValue()).toBe("");
    });

    test("waits longer each time where connections open and close at once", async () => {
      const page = await (await browser.newContext()).newPage();
      const waits = await recordWaits(page);
      const connection = await routed(page);
      connection.isBroken = true;
      await page.goto(url());
      await page.getByLabel("Your name").fill("Ada");
      await page.getByRole("button", { name: "Join" }).click();
      await expect.poll(waits).toHaveLength(8);
      const longest = [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000];
      for (const [i, wait] of (await waits()).entries()) {
        expect(wait).toBeGreaterThanOrEqual((longest[i] ?? 0) / 2);
        expect(wait).toBeLessThanOrEqual(longest[i] ?? 0);
      }
    });
  });

  test.each([
    ["one of their own", undefined],
    ["Redis", process.env["REDIS_URL"] ?? "redis://127.0.0.1:6379"],
    ["NATS", process.env["NATS_URL"] ?? "nats://127.0.0.1:4222"],
  ])("two people chat on while a third process is killed, and comes back: %s", async (_name, brokerUrl) => {
    await using cluster = await startCluster(brokerUrl);
    const ada = await join(browser, cluster.urls["express"], "Ada");
    const grace = await join(browser, cluster.urls["fastify"], "Grace");
    await sees(ada, "Grace: joined through fastify");
    const ken = await join(browser, cluster.urls["koa"], "Ken");
    await sees(grace, "Ken: joined through koa");
    await say(ken, "hello from Koa");
    for (const page of [ada, grace]) await sees(page, "Ken: hello from Koa");

    process.kill(cluster.pids["koa"] as number, "SIGKILL");
    await ken.getByRole("status").getByText("Connection lost").waitFor();
    await say(ada, "are you there?");
    await sees(grace, "Ada: are you there?");
    await say(grace, "I am");
    await sees(ada, "Grace: I am");

    await ken.getByRole("status").getByText("Connected").waitFor();
    await say(ada, "welcome back");
    await sees(ken, "Ada: welcome back");
  });
});
