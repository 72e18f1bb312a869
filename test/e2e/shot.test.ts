import { test } from "vitest";
import { launchBrowser, Visitor } from "./fixtures/browser.ts";
import { ChatProcess, freePorts } from "./fixtures/chat-process.ts";

test("shots", async () => {
  await using chat = new ChatProcess(await freePorts());
  const urls = await chat.started();
  const b = await launchBrowser();
  const ada = await Visitor.join(b, urls.express, "Ada");
  const ctx = await b.newContext({ viewport: { width: 960, height: 680 } });
  const p = await ctx.newPage();
  await p.goto(urls.koa);
  await p.screenshot({ path: "/tmp/s0.png" });
  await ctx.close();
  const grace = await Visitor.join(b, urls.fastify, "Grace", { colorScheme: "dark" });
  const ken = await Visitor.join(b, urls.koa, "Kenneth Thompson-Longname", {
    viewport: { width: 390, height: 780 },
    colorScheme: "dark",
    deviceScaleFactor: 2,
  });
  await ada.says("Hello! Is anybody here?");
  await ada.says("I came in through Express.");
  await grace.sees("through Express.");
  await grace.says("I'm on Fastify, and I can read you just fine.");
  await ada.sees("fine");
  await ken.says(
    "Same room, Koa door.\nA second line with a very long wooooooooooooooooooooooooooooooooooooooooooooooooooooooooord in it.",
  );
  await ada.sees("Koa door");
  await ada.says("Three servers, one process, one room.");
  await ken.sees("one room");
  await grace.page.getByLabel("Message", { exact: true }).pressSequentially("so");
  await ada.page.getByText("is typing").waitFor();
  await ada.page.screenshot({ path: "/tmp/s1.png" });
  await ken.page.screenshot({ path: "/tmp/s2.png" });
  await grace.page.screenshot({ path: "/tmp/s3.png" });
  await chat.kill("SIGKILL");
  await ken.page.getByText("Connection lost").waitFor();
  await ken.page.screenshot({ path: "/tmp/s4.png" });
  console.log(ada.errors, grace.errors, ken.errors);
  await b.close();
});
