import { start as startNotes } from "@spry-ws/example-fastify-jwt";
import { start as startGame } from "@spry-ws/example-koa-game";
import { start as startAnswers } from "@spry-ws/example-llm-stream";
import { start as startRoom } from "@spry-ws/example-session-room";
import { start as startClicks } from "@spry-ws/example-vite-dev";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { run } from "../fixtures/example.ts";
import { hasBrowser, launchBrowser } from "./fixtures/browser.ts";
import { type Connection, routed } from "./fixtures/network.ts";

describe.skipIf(!hasBrowser())("the pages of the other examples", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
  });
  afterAll(() => browser?.close());

  /** A page with the test between it and its server. */
  async function open(url: string): Promise<{ page: Page; connection: Connection }> {
    const page = await (await browser.newContext()).newPage();
    const connection = await routed(page);
    await page.goto(url);
    return { page, connection };
  }

  const state = (page: Page, text: string | RegExp) => page.getByRole("status").getByText(text).waitFor();
  const problem = (page: Page, selector: string) =>
    page.locator(selector).evaluate((field: HTMLInputElement) => field.validationMessage);

  /** Waits until the game shows something. */
  const isDrawn = (page: Page) =>
    page.waitForFunction(() => {
      const canvas = document.querySelector("canvas");
      const pixels = canvas?.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height).data;
      return pixels?.some((value) => value > 0);
    });

  async function openRoom(url: string) {
    const opened = await open(url);
    const { page } = opened;
    await page.getByLabel("Name").fill("ada");
    await page.getByLabel("Password").fill("difference engine");
    await page.getByRole("button", { name: "Log in" }).click();
    await state(page, "Connected");
    return opened;
  }

  test("session-room: a text stays until the room has said it", async () => {
    await using app = await run(startRoom({ port: 0 }));
    const { page, connection } = await openRoom(app.httpUrl("/"));
    await page.getByLabel("Say").fill("hello");
    await page.getByLabel("Say").press("Enter");
    await page.getByRole("log").getByText("ada (you): hello").waitFor();
    expect(await page.getByLabel("Say").inputValue()).toBe("");

    connection.losesMessages = true;
    await page.getByLabel("Say").fill("anybody?");
    await page.getByLabel("Say").press("Enter");
    await connection.close({ code: 1001, reason: "restart" });
    await page.getByRole("alert").getByText("Your last message may not have arrived.").waitFor();
    expect(await page.getByLabel("Say").inputValue()).toBe("anybody?");
    // It comes back by itself, and the text is sent when its writer says so.
    connection.losesMessages = false;
    await state(page, "Connected");
    await expect.poll(() => page.getByRole("button", { name: "Send" }).isEnabled()).toBe(true);
    await page.getByLabel("Say").press("Enter");
    await page.getByRole("log").getByText("ada (you): anybody?").waitFor();
  });

  test("session-room: a text that is too long is not sent, nor cut off", async () => {
    await using app = await run(startRoom({ port: 0 }));
    const { page } = await openRoom(app.httpUrl("/"));
    await page.getByLabel("Say").fill("x".repeat(501));
    await page.getByLabel("Say").press("Enter");
    expect(await problem(page, "#text")).toBe("1 characters too many: the longest has 500.");
    expect(await page.getByLabel("Say").inputValue()).toHaveLength(501);
    expect(await page.getByText("xxx").count()).toBe(0);
  });

  test("fastify-jwt: logging in twice makes one connection", async () => {
    await using app = await run(startNotes({ port: 0 }));
    const { page, connection } = await open(app.httpUrl("/"));
    await page.getByLabel("Name").fill("ada");
    await page.evaluate(() => {
      const form = document.querySelector<HTMLFormElement>("#login");
      for (let i = 0; i < 2; i++) form?.requestSubmit();
    });
    await state(page, "Connected");
    await page.getByLabel("Note", { exact: true }).fill("once");
    await page.getByLabel("Note", { exact: true }).press("Enter");
    await page.getByText("ada: once").waitFor();
    expect(connection.count).toBe(1);
  });

  test("fastify-jwt: a note stays until the server has it, and is not cut off", async () => {
    await using app = await run(startNotes({ port: 0 }));
    const { page, connection } = await open(app.httpUrl("/"));
    await page.getByLabel("Name").fill("ada");
    await page.getByLabel("Name").press("Enter");
    const field = page.getByLabel("Note", { exact: true });
    await field.fill("x".repeat(600));
    expect(await problem(page, "#text")).toBe("100 characters too many: the longest has 500.");
    await field.fill("anybody?");
    connection.losesMessages = true;
    await field.press("Enter");
    await connection.close({ code: 1001 });
    await page.getByRole("alert").getByText("Your last note may not have arrived.").waitFor();
    connection.losesMessages = false;
    await state(page, "Connected");
    expect(await field.inputValue()).toBe("anybody?");
    await field.press("Enter");
    await page.getByText("ada: anybody?").waitFor();
    await expect.poll(() => field.inputValue()).toBe("");
  });

  test("llm-stream: asks when there is somebody to ask, and says why there is not", async () => {
    await using app = await run(startAnswers({ port: 0 }));
    const { page, connection } = await open(app.httpUrl("/"));
    const [ask, stop] = ["Ask", "Stop"].map((name) => page.getByRole("button", { name }));
    await page.getByLabel("Question").fill("x".repeat(5_000));
    expect(await problem(page, "#prompt")).toBe("1000 characters too many: the longest has 4000.");
    await page.getByLabel("Question").fill("why?");
    await ask?.click();
    await page.getByText("You said: why?").waitFor();
    expect(await ask?.isDisabled()).toBe(true);
    await stop?.click();
    await state(page, "cancelled");
    await ask?.click();
    await expect.poll(() => stop?.isEnabled()).toBe(true);
    connection.isBroken = true;
    await connection.close({ code: 1001, reason: "restart" });
    await state(page, "The answer was cut off. Ask again.");
    expect([await ask?.isDisabled(), await stop?.isDisabled()]).toEqual([true, true]);
    connection.isBroken = false;
    await expect.poll(() => ask?.isEnabled()).toBe(true);
  });

  test("koa-game: goes on after a lost connection", async () => {
    await using app = await run(startGame({ port: 0 }));
    const { page, connection } = await open(app.httpUrl("/"));
    await isDrawn(page);
    connection.isBroken = true;
    await connection.close({ code: 1001, reason: "restart" });
    await state(page, "Connection lost");
    await page.evaluate(() => {
      const canvas = document.querySelector("canvas");
      canvas?.getContext("2d")?.clearRect(0, 0, canvas.width, canvas.height);
    });
    connection.isBroken = false;
    await state(page, "Connected");
    await isDrawn(page);
  });

  test("koa-game: scales to the page, and follows a finger", async () => {
    await using app = await run(startGame({ port: 0 }));
    const context = await browser.newContext({ viewport: { width: 390, height: 780 }, hasTouch: true });
    const page = await context.newPage();
    const sent: number[] = [];
    page.on("websocket", (socket) => {
      socket.on("framesent", ({ payload }) => sent.push(Buffer.from(payload)[0] ?? -1));
    });
    await page.goto(app.httpUrl("/"));
    await isDrawn(page);
    const box = await page.locator("canvas").boundingBox();
    expect(box && [box.x >= 0, box.x + box.width <= 390]).toEqual([true, true]);
    // To a corner, and to the opposite one: the player goes there and stops.
    for (const [x, y] of [
      [4, 4],
      [(box?.width ?? 0) - 4, (box?.height ?? 0) - 4],
    ] as const) {
      sent.length = 0;
      const at = { clientX: (box?.x ?? 0) + x, clientY: (box?.y ?? 0) + y };
      await page.locator("canvas").dispatchEvent("pointerdown", { ...at, buttons: 1, pointerId: 1 });
      await expect.poll(() => sent.at(-1)).toBe(0);
      expect(sent.length).toBeGreaterThan(1);
    }
  });

  test("vite-dev: a key that is held down is one click, and there is none without a connection", async () => {
    await using app = await run(startClicks({ port: 0, isDevelopment: true }));
    const { page, connection } = await open(app.httpUrl("/"));
    const button = page.getByRole("button", { name: "Click" });
    const clicks = (text: string) => page.locator("#clicks").getByText(text).waitFor();
    await clicks("0 clicks, 1 here");
    await button.focus();
    // Playwright's second "down" of a key that is down already is a repetition.
    for (let i = 0; i < 40; i++) await page.keyboard.down("Enter");
    await page.keyboard.up("Enter");
    await clicks("1 clicks, 1 here");
    await button.click();
    await clicks("2 clicks, 1 here");
    connection.isBroken = true;
    await connection.close({ code: 1001, reason: "restart" });
    await state(page, "Connection lost");
    expect(await button.isDisabled()).toBe(true);
    connection.isBroken = false;
    await expect.poll(() => button.isEnabled()).toBe(true);
  });
});
