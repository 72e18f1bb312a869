import { createServer, type RequestListener } from "node:http";
import { defineContract } from "@spry-ws/contract";
import { spryWs } from "@spry-ws/express";
import { createService } from "@spry-ws/service";
import express from "express";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listen } from "../fixtures/listen.ts";
import { hasBrowser, launchBrowser } from "./fixtures/browser.ts";

describe.skipIf(!hasBrowser())("a page whose handshake is refused", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  /** What the page's WebSocket says, where middleware answers with 401. */
  async function endOf(protocols: string[]) {
    const app = express();
    const spry = spryWs();
    app.get("/", (_request, response) => void response.type("html").send("<!doctype html>"));
    app.use(spry);
    app.use("/live", (_request, response) => void response.status(401).send("log in first"));
    app.ws("/live", createService(spry, defineContract({}), {}));
    const { server, port } = await listen(createServer(app as RequestListener));
    spry.attach(server);
    const page = await browser.newPage();
    await page.goto(`http://localhost:${port}/`);
    const end = await page.evaluate((protocols) => {
      const socket = new WebSocket("/live", protocols);
      // As a client says hello at once.
      socket.onopen = () => socket.send('["h","0123456789abcdef",[]]');
      return new Promise((resolve) => {
        socket.onclose = ({ code, reason, wasClean }) => resolve({ code, reason, wasClean });
      });
    }, protocols);
    await page.close();
    await spry.close();
    server.close();
    return end;
  }

  test("is told why, where it speaks the service's subprotocol", async () => {
    expect(await endOf(["spry.v1"])).toEqual({ code: 4401, reason: "Unauthorized", wasClean: true });
  });

  test("is told nothing otherwise", async () => {
    expect(await endOf(["other"])).toEqual({ code: 1006, reason: "", wasClean: false });
  });
});
