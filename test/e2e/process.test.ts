import { once } from "node:events";
import { connect, createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Client } from "../fixtures/client.ts";
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
      const clients = await Promise.all(frameworks.map((framework) => join(ports[framework], "Ada")));
      expect(await chat.kill(signal)).toBe(0);
      for (const client of clients) expect(await client.closed).toEqual({ code: 1001, reason: "" });
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
  afterEach(() => chat.kill("SIGKILL"));

  test("answers what it does not understand with an error, and goes on", async () => {
    await using client = await join(port, "Ada");
    for (const [sent, reason] of [
      ["{", "A message must be JSON."],
      [new Uint8Array([0xff, 0xfe]), "A message must be JSON."],
      ["[]", 'The type of a message must be "say" or "typing".'],
      ["null", "A message must be a JSON object."],
      ['{"type":"constructor"}', 'The type of a message must be "say" or "typing".'],
      ['{"type":"say","text":"x"}', "What is said has an id of 1 to 64 letters, digits, - or _."],
      ['{"type":"say","id":" ","text":"x"}', "What is said has an id of 1 to 64 letters, digits, - or _."],
    ] as const) {
      client.send(sent);
      expect(await nextOf(client)).toEqual({ type: "error", reason });
    }
    for (const [text, reason] of [
      [undefined, "There is no text."],
      [5, "There is no text."],
      [" \n ", "There is no text."],
      ["x".repeat(1_001), "The text is longer than 1000 characters."],
    ] as const) {
      client.send(JSON.stringify({ type: "say", id: "one", text }));
      expect(await nextOf(client)).toEqual({ type: "refused", id: "one", reason });
    }
    say(client, "one", "\0".repeat(1_000).replace(/^.|.$/g, "x"));
    expect(await nextOf(client)).toMatchObject({
      type: "said",
      remark: { person: { name: "Ada", framework } },
    });
  });

  test("ends the connection of a client that floods the room, and no other", async () => {
    await using flooding = await join(port, "Flood");
    await using other = await join(port, "Ada");
    for (let i = 0; i < 100; i++) flooding.send('{"type":"typing"}');
    expect(await flooding.closed).toMatchObject({ code: 1008 });
    let seen = await nextOf(other);
    while (seen.type === "typing") seen = await nextOf(other);
    expect(seen).toMatchObject({ type: "left", person: { name: "Flood" } });
    other.send("{}");
    expect(await nextOf(other)).toMatchObject({ type: "error" });
  });

  test("answers what is said too fast, and takes nothing from it for typing", async () => {
    await using client = await join(port, "Ada");
    for (let i = 0; i < 25; i++) client.send('{"type":"typing"}');
    for (let i = 0; i < 12; i++) say(client, `${i}`, "quick");
    const seen = [];
    while (seen.length < 22) seen.push(await nextOf(client));
    expect(seen.map(({ type }) => type)).toEqual([
      ...Array(10).fill("typing"),
      ...Array(10).fill("said"),
      ...Array(2).fill("refused"),
    ]);
    expect(seen.at(-1)).toEqual({
      type: "refused",
      id: "11",
      reason: "The room cannot read as fast as you write.",
    });
  });

  test("says once what comes again, and answers whoever sends it again", async () => {
    await using other = await join(port, "Grace");
    const first = await join(port, "Ada", "key.ada");
    say(first, "same", "once");
    const said = await nextOf(first);
    await first[Symbol.asyncDispose]();
    await using second = await join(port, "Ada", "key.ada");
    say(second, "same", "once");
    expect(await nextOf(second)).toEqual(said);
    say(second, "other", "another");
    const texts = [];
    while (texts.at(-1) !== "another") {
      const { type, remark } = await nextOf(other);
      if (type === "said") texts.push(remark?.text);
    }
    expect(texts).toEqual(["once", "another"]);
  });

  test("knows a browser again by its key, which it shows to nobody", async () => {
    const idOf = async (...protocols: string[]) => {
      await using client = await Client.open(`ws://127.0.0.1:${port}/chat?name=Ada`, { protocols });
      const welcome = String(await client.next());
      expect(welcome).not.toContain("secret");
      expect(client.socket.protocol).toBe(protocols.length > 0 ? "chat.v1" : "");
      return JSON.parse(welcome).you.id;
    };
    const id = await idOf("chat.v1", "key.secret");
    expect(await idOf("chat.v1", "key.secret")).toBe(id);
    expect(await idOf("chat.v1", `key.${id}`)).not.toBe(id);
    expect(await idOf()).not.toBe(await idOf());
  });

  test("has someone with two pages once, until both are closed", async () => {
    await using grace = await join(port, "Grace");
    const first = await join(port, "Ada", "key.ada");
    expect(await nextOf(grace)).toMatchObject({ type: "joined", person: { name: "Ada" } });
    const second = await join(port, "Ada", "key.ada");
    await first[Symbol.asyncDispose]();
    say(second, "one", "still here");
    expect(await nextOf(grace)).toMatchObject({ type: "said" });
    await second[Symbol.asyncDispose]();
    expect(await nextOf(grace)).toMatchObject({ type: "left", person: { name: "Ada" } });
  });

  test.each([
    ["none", "/chat"],
    ["an empty one", "/chat?name=%20%20"],
    ["one that is too long", `/chat?name=${"x".repeat(25)}`],
    ["one with control characters", "/chat?name=a%00b"],
  ])("refuses a name: %s", async (_which, path) => {
    await expect(Client.open(`ws://127.0.0.1:${port}${path}`)).rejects.toThrow("400");
  });

  test("tidies a name", async () => {
    const client = await Client.open(`ws://127.0.0.1:${port}/chat?name=%20Ada%20%0A%20Lovelace%20`);
    expect(await nextOf(client)).toMatchObject({ type: "welcome", you: { name: "Ada Lovelace", framework } });
  });

  test("serves the page with a strict Content-Security-Policy, and nothing but its files", async () => {
    const page = await fetch(`http://127.0.0.1:${port}/`);
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'; script-src 'self'");
    const files = [...(await page.text()).matchAll(/(?:href|src)="(\/[^"]+)"/g)].map(([, path]) => path);
    expect(files.length).toBeGreaterThan(1);
    for (const path of files) expect((await fetch(`http://127.0.0.1:${port}${path}`)).status).toBe(200);
    for (const path of ["/package.json", "/..%2fpackage.json", "/public/index.html"]) {
      expect((await fetch(`http://127.0.0.1:${port}${path}`)).status).toBe(404);
    }
    expect((await fetch(`http://127.0.0.1:${port}/chat`)).status).toBe(426);
  });
});

/** Joins, and takes the welcome out of the queue. */
async function join(port: number, name: string, key = `key.${name}`): Promise<Client> {
  const protocols = ["chat.v1", key];
  const client = await Client.open(`ws://127.0.0.1:${port}/chat?name=${name}`, { protocols });
  expect(await nextOf(client)).toMatchObject({ type: "welcome", you: { name } });
  return client;
}

const say = (client: Client, id: string, text: string) =>
  client.send(JSON.stringify({ type: "say", id, text }));

async function nextOf(client: Client): Promise<{ type: string; remark?: { text: string } }> {
  return JSON.parse(String(await client.next()));
}
