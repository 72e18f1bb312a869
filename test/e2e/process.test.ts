import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { Status } from "@spry-ws/client";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Client } from "../fixtures/client.ts";
import { type ChatClient, type Heard, listenTo, openChat } from "./fixtures/chat-client.ts";
import { ChatProcess, type Framework, freePorts, type Ports } from "./fixtures/chat-process.ts";

const frameworks: readonly Framework[] = ["express", "fastify", "koa"];

describe("the chat's process", () => {
  let ports: Ports;
  beforeEach(async () => {
    ports = await freePorts();
  });

  test("prints the three URLs and how to stop it", async () => {
    await using chat = new ChatProcess(ports);
    expect(await chat.started()).toEqual({
      express: `http://localhost:${ports.express}/`,
      fastify: `http://localhost:${ports.fastify}/`,
      koa: `http://localhost:${ports.koa}/`,
    });
    expect(chat.output).toContain("Ctrl-C stops");
  });

  test.each(["SIGINT", "SIGTERM"] as const)(
    "ends by itself on %s, with a close frame for everyone",
    async (signal) => {
      await using chat = new ChatProcess(ports);
      await chat.started();
      const clients = frameworks.map((framework) => openChat(ports[framework], "Ada"));
      await Promise.all(clients.map((client) => client.request("enter")));
      const ends = clients.map((client) => statusOf(client, "waiting"));
      expect(await chat.kill(signal)).toBe(0);
      for (const end of ends) expect(await end).toMatchObject({ code: 1001, reason: "going away" });
      for (const client of clients) client.close();
    },
  );

  test("does not wait for connections that a browser opened ahead of need", async () => {
    await using chat = new ChatProcess(ports);
    await chat.started();
    const sockets = frameworks.map((framework) =>
      connect(ports[framework], "127.0.0.1")
        .resume()
        .on("error", () => {}),
    );
    await Promise.all(sockets.map((socket) => once(socket, "connect")));
    expect(await chat.kill("SIGINT")).toBe(0);
  });

  test("says which ports are taken and how to choose others, without a stack trace", async () => {
    await using taken = createServer().listen(ports.fastify, "127.0.0.1");
    await using alsoTaken = createServer().listen(ports.koa, "127.0.0.1");
    await using chat = new ChatProcess(ports);
    expect(await chat.exited).toBe(1);
    expect(chat.output).toContain(`Port ${ports.fastify}, ${ports.koa}: already in use`);
    expect(chat.output).toMatch(/PORT_FASTIFY=\d+ PORT_KOA=\d+/);
    expect(chat.output).not.toMatch(/^\s+at /m);
    expect([taken.listening, alsoTaken.listening]).toEqual([true, true]);
  });

  test("refuses a port that is none", async () => {
    await using chat = new ChatProcess({ ...ports, koa: 70_000 });
    expect(await chat.exited).toBe(1);
    expect(chat.output).toBe('PORT_KOA must be a port from 1 to 65535, not "70000".\n');
  });
});

describe.each(frameworks)("the chat on %s", (framework) => {
  let chat: ChatProcess;
  let port: number;
  beforeEach(async () => {
    const ports = await freePorts();
    port = ports[framework];
    chat = new ChatProcess(ports);
    await chat.started();
  });
  afterEach(async () => {
    for (const client of opened.splice(0)) client.close();
    await chat.kill("SIGKILL");
  });

  /** Someone who has come in, who hears what the room says from now on. */
  async function enter(
    name: string,
    key = name,
  ): Promise<{ client: ChatClient; next: () => Promise<Heard> }> {
    const client = openChat(port, name, key);
    opened.push(client);
    const next = await listenTo(client);
    await client.request("enter");
    return { client, next };
  }
  const opened: ChatClient[] = [];

  test.each([
    ["an id that is none", { id: " ", text: "x" }, "An id has 1 to 64 letters, digits, - or _."],
    ["no text", { id: "one", text: " \n " }, "There is no text."],
    [
      "a text that is too long",
      { id: "one", text: "x".repeat(1_001) },
      "The text is longer than 1000 characters.",
    ],
  ])("says what is wrong with what is said: %s", async (_what, said, message) => {
    const { client } = await enter("Ada");
    await expect(client.request("say", said)).rejects.toMatchObject({
      code: "invalid",
      issues: [{ message }],
    });
  });

  test("takes the longest text, whatever is in it", async () => {
    const { client, next } = await enter("Ada");
    const text = "\0".repeat(1_000).replace(/^.|.$/g, "x");
    const person = { name: "Ada", framework };
    await client.request("say", { id: "one", text });
    let heard = await next();
    while (heard.type !== "said") heard = await next();
    expect(heard.remark).toMatchObject({ id: "one", text, person });
  });

  test("ends the connection of a client that floods the room, and no other", async () => {
    const { client } = await enter("Flood");
    const { client: other, next } = await enter("Ada");
    for (let i = 0; i < 200; i++) client.emit("typing", {});
    expect(await statusOf(client, "closed")).toMatchObject({ code: 1008 });
    let news = await next();
    while (news.type !== "left") news = await next();
    expect(news).toMatchObject({ type: "left", person: { name: "Flood" } });
    await other.request("say", { id: "one", text: "still here" });
    let said = await next();
    while (said.type !== "said") said = await next();
    expect(said).toMatchObject({ remark: { text: "still here" } });
  });

  test("says at its own pace what comes too fast, in order, and meanwhile who is typing", async () => {
    const { client, next } = await enter("Ada");
    const texts = Array.from({ length: 30 }, (_, i) => `line ${i}`);
    const answers = texts.map((text, i) => client.request("say", { id: `${i}`, text }));
    client.emit("typing", {});
    const heard = [];
    while (heard.length < texts.length + 1) heard.push(await next());
    expect(heard.flatMap((news) => (news.type === "said" ? [news.remark.text] : []))).toEqual(texts);
    expect(heard.findIndex(({ type }) => type === "typing")).toBeLessThan(texts.length);
    // Positions grow with what is said.
    const positions = (await Promise.all(answers)).map(({ position }) => position);
    expect(new Set(positions).size).toBe(texts.length);
  });

  test("says once what comes again, and answers whoever sends it again", async () => {
    const { next } = await enter("Grace");
    const { client: first } = await enter("Ada", "ada");
    const said = await first.request("say", { id: "same", text: "once" });
    const { client: second } = await enter("Ada", "ada");
    expect(await second.request("say", { id: "same", text: "once" })).toEqual(said);
    await second.request("say", { id: "other", text: "another" });
    const texts = [];
    while (texts.at(-1) !== "another") {
      const news = await next();
      if (news.type === "said") texts.push(news.remark.text);
    }
    expect(texts).toEqual(["once", "another"]);
  });

  test("knows a browser again by its key, which it shows to nobody", async () => {
    const idOf = async (key?: string) => {
      const client = openChat(port, "Ada", key);
      opened.push(client);
      const welcome = await client.request("enter");
      expect(JSON.stringify(welcome)).not.toContain("secret");
      return welcome.you.id;
    };
    const id = await idOf("secret");
    expect(await idOf("secret")).toBe(id);
    expect(await idOf(id)).not.toBe(id);
    expect(await idOf()).not.toBe(await idOf());
  });

  test("has someone with two pages once, until both are closed", async () => {
    const { next } = await enter("Grace");
    const { client: first } = await enter("Ada", "ada");
    expect(await next()).toMatchObject({ type: "joined", person: { name: "Ada" } });
    const { client: second } = await enter("Ada", "ada");
    first.close();
    await second.request("say", { id: "one", text: "still here" });
    expect(await next()).toMatchObject({ type: "said" });
    second.close();
    expect(await next()).toMatchObject({ type: "left", person: { name: "Ada" } });
  });

  test.each([
    ["an empty one", "  "],
    ["one that is too long", "x".repeat(25)],
    ["one with control characters", "a\0b"],
  ])("refuses a name: %s", async (_which, name) => {
    const client = openChat(port, name);
    opened.push(client);
    expect(await statusOf(client, "closed")).toMatchObject({ code: 4400 });
  });

  test("tidies a name", async () => {
    const client = openChat(port, " Ada \n Lovelace ");
    opened.push(client);
    expect((await client.request("enter")).you).toMatchObject({
      name: "Ada Lovelace",
      framework,
    });
  });

  test("tells a client that does not speak its protocol", async () => {
    await expect(Client.open(`ws://127.0.0.1:${port}/chat?name=Ada`)).rejects.toThrow("400");
  });

  test("serves the page with a strict Content-Security-Policy, and nothing but its files and modules", async () => {
    const page = await fetch(`http://127.0.0.1:${port}/`);
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'; script-src 'self'");
    const files = [...(await page.text()).matchAll(/(?:href|src)="(\/[^"]+)"/g)].map(([, path]) => path);
    expect(files.length).toBeGreaterThan(1);
    for (const path of [...files, "/client/index.js", "/contract/index.js", "/contract/wire.js"])
      expect((await fetch(`http://127.0.0.1:${port}${path}`)).status).toBe(200);
    for (const path of ["/package.json", "/..%2fpackage.json", "/public/index.html"]) {
      expect((await fetch(`http://127.0.0.1:${port}${path}`)).status).toBe(404);
    }
    expect((await fetch(`http://127.0.0.1:${port}/chat`)).status).toBe(426);
  });
});

async function statusOf(client: ChatClient, state: Status["state"]): Promise<Status> {
  while (client.status.state !== state) await new Promise<unknown>((resolve) => client.onStatus(resolve));
  return client.status;
}
