import { connect } from "@spry-ws/client";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { chat } from "../../examples/cluster/src/contract.ts";
import { missingNats, missingRedis, startJetStream, startRedis } from "../fixtures/brokers.ts";
import { hasBrowser, launchBrowser } from "./fixtures/browser.ts";
import { type Cluster, startCluster } from "./fixtures/cluster.ts";
import { type Connection, routed } from "./fixtures/network.ts";

/** Someone at a page of the room. */
async function join(
  browser: Browser,
  url: string | undefined,
  name: string,
  prepare?: (page: Page) => unknown,
) {
  const page = await (await browser.newContext()).newPage();
  await prepare?.(page);
  await page.goto(url ?? "");
  await page.getByLabel("Your name").fill(name);
  await page.getByRole("button", { name: "Join" }).click();
  await sees(page, "You joined");
  // Who is there by then is in the page's list, and no news.
  await page.locator("#people").getByText(`${name} (you)`).waitFor();
  return page;
}

const say = async (page: Page, text: string): Promise<void> => {
  await page.getByLabel("Message").fill(text);
  await page.getByLabel("Message").press("Enter");
};
/** Says it, and waits until the log has it, whichever process takes it. */
const sayAndWait = async (page: Page, text: string): Promise<void> => {
  await say(page, text);
  await expect.poll(() => page.getByLabel("Message").inputValue()).toBe("");
};
const sees = (page: Page, text: string): Promise<void> =>
  page.getByRole("log").getByText(text).last().waitFor();
/** The lines that the page shows, in order. */
const lines = (page: Page): Promise<(string | null)[]> =>
  page.locator("#log [data-text]").evaluateAll((rows) => rows.map((row) => row.getAttribute("data-text")));
/** The whole log, as a client of its own reads it. */
async function readLog(url: string | undefined, count: number): Promise<string[]> {
  const client = connect<typeof chat>(`${url?.replace("http", "ws")}chat?name=log&key=${"k".repeat(16)}`, {
    WebSocket,
  });
  const texts: string[] = [];
  for await (const item of client.topic("lines", {}, { from: "start" })) {
    if (item.type !== "message") throw new Error("a gap");
    texts.push(item.data.text);
    if (texts.length === count) break;
  }
  client.close();
  return texts;
}

const brokers = [
  ["one of their own", missingRedis, async () => undefined],
  ["Redis", missingRedis, () => startRedis()],
  ["NATS", missingNats, () => startJetStream()],
] as const;

describe.skipIf(!hasBrowser())("three processes and a broker", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
  });
  afterAll(() => browser?.close());

  describe.skipIf(missingRedis())("their page", () => {
    let cluster: Cluster;
    beforeAll(async () => {
      cluster = await startCluster(undefined);
    });
    afterAll(() => cluster?.[Symbol.asyncDispose]());
    const url = () => cluster.urls["koa"] ?? "";

    test("shows the form to join, then the one to write in, and never both", async () => {
      const page = await (await browser.newContext()).newPage();
      await page.goto(url());
      const [joinButton, sendButton] = ["Join", "Send"].map((name) => page.getByRole("button", { name }));
      expect([await joinButton?.isVisible(), await sendButton?.isVisible()]).toEqual([true, false]);
      await page.getByLabel("Your name").fill("Ada");
      await joinButton?.click();
      await sees(page, "You joined");
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
      await sees(page, "You joined");
      await say(page, "once");
      await sees(watching, "Twice: once");
      expect(await watching.getByText("Twice joined").count()).toBe(1);
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
      await sees(page, "Ada (you): short");
      expect(await page.getByText("xxx").count()).toBe(0);
    });

    test("says once what went into a dying connection, and keeps the name through a reload", async () => {
      let connection: Connection | undefined;
      const page = await join(browser, url(), "Ada", async (page) => {
        connection = await routed(page);
      });
      if (!connection) throw new Error("not routed");
      connection.losesMessages = true;
      await say(page, "does this arrive?");
      await connection.close({ code: 1001, reason: "restart" });
      connection.losesMessages = false;
      await sees(page, "Ada (you): does this arrive?");
      await expect.poll(() => page.getByLabel("Message").inputValue()).toBe("");
      await page.reload();
      await sees(page, "Ada (you): does this arrive?");
      expect((await lines(page)).filter((text) => text === "does this arrive?")).toHaveLength(1);
    });

    test("shows which process answers, and what runs", async () => {
      const page = await join(browser, url(), "Ada");
      await page
        .locator("#panel")
        .getByText(/^koa, process \d+$/)
        .waitFor();
      await page
        .locator("#panel")
        .getByText(/^\d+ ms$/)
        .waitFor();
      for (const name of ["express", "fastify", "koa"])
        await page.getByRole("button", { name: `Kill ${name}` }).waitFor();
    });
  });

  for (const [name, missing, start] of brokers)
    test.skipIf(missing())(
      `whichever process is killed, no line is missing or doubled: ${name}`,
      async () => {
        await using broker = await start();
        await using cluster = await startCluster(broker?.url);
        const ada = await join(browser, cluster.urls["express"], "Ada");
        const grace = await join(browser, cluster.urls["fastify"], "Grace");
        await sees(ada, "Grace joined through fastify");
        const ken = await join(browser, cluster.urls["koa"], "Ken");
        const said: string[] = [];
        const writes = async (page: Page, name: string, round: number) => {
          for (let i = 0; i < 4; i++) {
            said.push(`${name} ${round}.${i}`);
            await sayAndWait(page, `${name} ${round}.${i}`);
          }
        };
        const pidOf = async (name: string) => {
          const row = await ken.locator(`#processes [data-framework="${name}"]`).textContent();
          return /process (\d+)/.exec(row ?? "")?.[1];
        };
        // Each in turn, by its button in a third page, while both write. Those whose process it is go on with another.
        for (const [round, victim] of ["express", "fastify", "koa"].entries()) {
          const writing = Promise.all([writes(ada, "Ada", round), writes(grace, "Grace", round)]);
          const before = await pidOf(victim);
          const kill = ken.getByRole("button", { name: `Kill ${victim}` });
          await expect.poll(() => kill.isEnabled()).toBe(true);
          await kill.click();
          await writing;
          // It is there again, as another process, before the next one goes.
          await expect
            .poll(() => pidOf(victim))
            .toSatisfy((pid: string | undefined) => pid !== undefined && pid !== before);
        }
        const log = await readLog(cluster.urls["koa"], said.length);
        expect([...log].sort()).toEqual(said.sort());
        for (const page of [ada, grace, ken]) await expect.poll(() => lines(page)).toEqual(log);
        for (const page of [ada, grace]) expect(await page.getByText("missing here").count()).toBe(0);
      },
      180_000,
    );

  test.skipIf(missingRedis())(
    "a page whose process is killed goes on with another, and says what it had missed",
    async () => {
      await using redis = await startRedis();
      await using cluster = await startCluster(redis.url);
      let connection: Connection | undefined;
      const ada = await join(browser, cluster.urls["express"], "Ada", async (page) => {
        connection = await routed(page);
      });
      const grace = await join(browser, cluster.urls["fastify"], "Grace");
      await ada.locator("#panel").getByText(`express, process ${cluster.pids["express"]}`).waitFor();
      if (!connection) throw new Error("not routed");
      // What is said now does not arrive, and the process dies behind it.
      connection.losesAnswers = true;
      await sayAndWait(grace, "one");
      process.kill(cluster.pids["express"] as number, "SIGKILL");
      connection.losesAnswers = false;
      await sees(ada, "resumed, 1 missed line");
      await ada
        .locator("#panel")
        .getByText(/^(fastify|koa), process \d+$/)
        .waitFor();
      expect(await lines(ada)).toEqual(["one"]);
      expect(await ada.getByText("1 missed lines").count()).toBe(0);
      // She was here all the time.
      await ada.waitForTimeout(3_000);
      expect(await grace.getByText(/Ada (joined|left)/).count()).toBe(0);
    },
  );

  test.skipIf(missingRedis())(
    "who is gone with a killed process has left once, for all; who comes back by a reload has not",
    async () => {
      await using redis = await startRedis();
      await using cluster = await startCluster(redis.url);
      const grace = await join(browser, cluster.urls["fastify"], "Grace");
      const ada = await join(browser, cluster.urls["express"], "Ada");
      const url = cluster.urls["koa"]?.replace("http", "ws");
      const ken = connect<typeof chat>(`${url}chat?name=Ken&key=${"k".repeat(16)}`, { WebSocket });
      ken.topic("lines");
      for (const page of [grace, ada]) await sees(page, "Ken joined through koa");
      await expect
        .poll(() => grace.locator("#people li").allTextContents())
        .toEqual(["Ada through express", "Grace (you) through fastify", "Ken through koa"]);
      await ada.reload();
      await sees(ada, "You joined");
      await expect.poll(() => ada.locator("#people li").count()).toBe(3);
      process.kill(cluster.pids["koa"] as number, "SIGKILL");
      ken.close();
      for (const page of [grace, ada]) {
        await sees(page, "Ken left");
        await expect.poll(() => page.locator("#people li").count()).toBe(2);
      }
      expect(await grace.getByText(/(joined|left)/).allTextContents()).toEqual([
        "You joined through fastify",
        "Ada joined through express",
        "Ken joined through koa",
        "Ken left",
      ]);
    },
  );
});
