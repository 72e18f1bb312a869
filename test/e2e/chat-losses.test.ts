import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Client } from "../fixtures/client.ts";
import { hasBrowser, launchBrowser } from "./fixtures/browser.ts";
import { ChatProcess, type Framework, freePorts, type Ports } from "./fixtures/chat-process.ts";
import { type Connection, recordWaits, routed } from "./fixtures/network.ts";
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
    await ada.seesState("Connection lost: moved. Trying again …");
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

  test("gives up a connection on which nobody answers", async () => {
    const { ada, connection } = await joinRouted();
    connection.losesMessages = true;
    await ada.says("hello?");
    await ada.page.clock.runFor(5_000);
    await ada.seesState("Connected");
    await ada.page.clock.runFor(5_000);
    connection.losesMessages = false;
    await ada.sees("You are back");
    await expect.poll(() => ada.remarks()).toEqual(["mine: hello?"]);
    expect(connection.count).toBe(2);
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
      const { id } = JSON.parse(message);
      return id && JSON.stringify({ type: "refused", id, reason: "Not today." });
    };
    await ada.says("one");
    await ada.says("two");
    await expect.poll(() => ada.remarks()).toEqual(["mine: failed: one", "mine: failed: two"]);
    await ada.sees("Not sent. Not today.");
    await ada.page.getByRole("button", { name: "Discard" }).first().click();
    expect(await ada.remarks()).toEqual(["mine: failed: two"]);
    connection.answer = () => undefined;
    await ada.page.getByRole("button", { name: "Send again" }).click();
    await expect.poll(() => ada.remarks()).toEqual(["mine: two"]);
  });

  test("sends all of a burst, in order, and stays connected", async () => {
    const grace = await Visitor.join(browser, urls.koa, "Grace");
    const { ada, connection } = await joinRouted();
    const texts = Array.from({ length: 25 }, (_, i) => `line ${i}`);
    // All at once: whoever presses keys through Playwright is no faster than a person.
    await ada.page.evaluate((lines) => {
      const field = document.querySelector<HTMLTextAreaElement>("#text");
      for (const line of lines) {
        if (field) field.value = line;
        field?.dispatchEvent(new Event("input"));
        document.querySelector<HTMLFormElement>("#say")?.requestSubmit();
      }
    }, texts);
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

  test("says where messages are missing after a long absence", async () => {
    const { ada, connection } = await joinRouted();
    await ada.says("before");
    await expect.poll(() => ada.remarks()).toEqual(["mine: before"]);
    connection.isBroken = true;
    await connection.close({ code: 1001 });
    const others = Array.from({ length: 6 }, (_, i) =>
      Client.open(`ws://127.0.0.1:${ports.koa}/chat?name=Other${i}`),
    );
    for (const client of await Promise.all(others)) {
      await client.next();
      for (let i = 0; i < 10; i++) client.send(JSON.stringify({ type: "say", id: `${i}`, text: "chatter" }));
      let said = 0;
      while (said < 10) said += Number(JSON.parse(String(await client.next())).remark?.id !== undefined);
      await client[Symbol.asyncDispose]();
    }
    connection.isBroken = false;
    await ada.page.clock.fastForward(10_000);
    await ada.sees("Some messages are missing here.");
  });

  test("waits longer each time where connections open and close at once", async () => {
    const page = await browser.newPage();
    const waits = await recordWaits(page);
    const connection = await routed(page);
    connection.isBroken = true;
    await page.addInitScript(() => localStorage.setItem("name", "Ada"));
    await page.goto(urls.koa);
    await expect.poll(waits).toHaveLength(8);
    const longest = [500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000];
    for (const [i, wait] of (await waits()).entries()) {
      expect(wait).toBeGreaterThanOrEqual((longest[i] ?? 0) / 2);
      expect(wait).toBeLessThanOrEqual(longest[i] ?? 0);
    }
  });
});
