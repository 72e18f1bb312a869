import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { hasBrowser, launchBrowser } from "./fixtures/browser.ts";
import { ChatProcess, type Framework, freePorts, type Ports } from "./fixtures/chat-process.ts";
import { type Connection, routed } from "./fixtures/network.ts";
import { Visitor } from "./fixtures/visitor.ts";

describe.skipIf(!hasBrowser())("the chat on a bad connection", () => {
  let browser: Browser;
  let ports: Ports;
  let chat: ChatProcess;
  let urls: Record<Framework, string>;

  beforeAll(async () => {
    browser = await launchBrowser();
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

  /** Ada, with the test between her and the server. */
  async function joinRouted(): Promise<{ ada: Visitor; connection: Connection }> {
    let connection: Connection | undefined;
    const ada = await Visitor.join(browser, urls.express, "Ada", {
      async prepare(page) {
        await page.clock.install();
        connection = await routed(page);
      },
    });
    if (!connection) throw new Error("not routed");
    return { ada, connection };
  }

  test("says what went into a dying connection when the next one is there", async () => {
    const grace = await Visitor.join(browser, urls.fastify, "Grace");
    const { ada, connection } = await joinRouted();
    connection.losesMessages = true;
    await ada.says("first");
    await ada.says("second");
    expect(await ada.remarks()).toEqual(["mine: on its way: first", "mine: on its way: second"]);
    await connection.close({ code: 1012, reason: "moved" });
    await ada.seesState("Connection lost: moved. Trying again");
    connection.losesMessages = false;
    await grace.sees("second");
    expect(await grace.remarks()).toEqual(["theirs: first", "theirs: second"]);
    await expect.poll(() => ada.remarks()).toEqual(["mine: first", "mine: second"]);
  });

  test("says once what had arrived, though no answer did", async () => {
    const grace = await Visitor.join(browser, urls.fastify, "Grace");
    const { ada, connection } = await joinRouted();
    connection.losesAnswers = true;
    await ada.says("once");
    await grace.sees("once");
    await connection.close({ code: 1001 });
    connection.losesAnswers = false;
    await ada.sees("You are back");
    await ada.says("after");
    await grace.sees("after");
    expect(await grace.remarks()).toEqual(["theirs: once", "theirs: after"]);
    await expect.poll(() => ada.remarks()).toEqual(["mine: once", "mine: after"]);
  });

  test("keeps what is on its way through a reload, and one's own lines one's own", async () => {
    const { ada, connection } = await joinRouted();
    await ada.says("before");
    await expect.poll(() => ada.remarks()).toEqual(["mine: before"]);
    connection.losesMessages = true;
    await ada.says("meanwhile");
    connection.losesMessages = false;
    await ada.page.reload();
    await expect.poll(() => ada.remarks()).toEqual(["mine: before", "mine: meanwhile"]);
  });

  test("shows what the room refuses, why, and lets its writer send it again or discard it", async () => {
    const { ada, connection } = await joinRouted();
    connection.answer = (message) => {
      const [kind, n, name] = JSON.parse(message);
      if (kind !== "q" || name !== "say") return undefined;
      return JSON.stringify(["f", n, { code: "closed_today", message: "Not today." }]);
    };
    await ada.says("one");
    await ada.says("two");
    await expect.poll(() => ada.remarks()).toEqual(["mine: failed: one", "mine: failed: two"]);
    await ada.sees("Not sent. Not today.");
    await ada.page.getByRole("button", { name: "Discard" }).first().click();
    expect(await ada.remarks()).toEqual(["mine: failed: two"]);
    connection.answer = () => undefined;
    await ada.page.getByRole("button", { name: "Try again" }).click();
    await expect.poll(() => ada.remarks()).toEqual(["mine: two"]);
  });

  test("sends all of a burst, in order, and stays connected", async () => {
    const grace = await Visitor.join(browser, urls.koa, "Grace");
    const { ada, connection } = await joinRouted();
    const texts = Array.from({ length: 25 }, (_, i) => `line ${i}`);
    await ada.saysAtOnce(texts);
    await grace.sees("line 24");
    expect(await grace.remarks()).toEqual(texts.map((text) => `theirs: ${text}`));
    expect(await ada.remarks()).toEqual(texts.map((text) => `mine: ${text}`));
    expect(connection.count).toBe(1);
  });

  test("says how much a text is too long, and neither sends it nor cuts it off", async () => {
    const { ada } = await joinRouted();
    const { page, field } = ada;
    await field.fill("x".repeat(801));
    await page.getByText("801 of 1000 characters").waitFor();
    await field.selectText();
    // As pasting does: `fill` would not be cut off by `maxlength`.
    await page.keyboard.insertText("y".repeat(5_000));
    expect(await field.inputValue()).toHaveLength(5_000);
    await page.getByText("4000 too many: the longest message has 1000 characters.").waitFor();
    await field.press("Enter");
    expect(await ada.remarks()).toEqual([]);
    expect(await page.getByRole("button", { name: "Send" }).isDisabled()).toBe(true);
    await field.fill("z".repeat(1_000));
    await field.press("Enter");
    await expect.poll(() => ada.remarks()).toEqual([`mine: ${"z".repeat(1_000)}`]);
  });

  test("says that a name is too long, and does not cut it off", async () => {
    const { ada } = await joinRouted();
    await ada.page.getByRole("button", { name: "Change name" }).click();
    const field = ada.page.getByLabel("Your name");
    await field.fill("x".repeat(30));
    await field.press("Enter");
    expect(await field.inputValue()).toHaveLength(30);
    expect(await field.evaluate((element: HTMLInputElement) => element.validationMessage)).toBe(
      "A name has at most 24 characters.",
    );
  });
});
