import { start } from "@spry-ws/example-fastify-jwt";
import { describe, expect, it } from "vitest";
import { Client } from "../fixtures/client.ts";
import { nextJson, run } from "../fixtures/example.ts";

const open = () => run(start({ port: 0 }));
type App = Awaited<ReturnType<typeof open>>;

function connect(app: App, token: string, ...protocols: string[]): Promise<Client> {
  return Client.open(app.url("/notes"), { protocols: [...protocols, `bearer.${token}`] });
}

const enter = async (app: App, name: string, lifetimeS = 60): Promise<Client> =>
  connect(app, await app.tokens.issue(name, lifetimeS), "notes.v1");

function post(app: App, path: string, body: unknown, headers = {}): Promise<Response> {
  return fetch(app.httpUrl(path), {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "Content-Type": "application/json", ...headers },
  });
}

function send(client: Client, message: unknown): void {
  client.send(JSON.stringify(message));
}

describe("examples/fastify-jwt", () => {
  it("lets in whoever has a token, and selects the real subprotocol", async () => {
    await using app = await open();
    const { token } = (await (await post(app, "/token", { name: "ada" })).json()) as { token: string };
    await using ada = await connect(app, token, "notes.v1");
    await using grace = await enter(app, "grace");
    expect(ada.socket.protocol).toBe("notes.v1");
    send(ada, { type: "add", note: { text: "hello" } });
    for (const client of [ada, grace])
      expect(await nextJson(client)).toEqual({ type: "note", author: "ada", text: "hello" });
    // To its author alone, who keeps the text until then.
    expect(await nextJson(ada)).toEqual({ type: "added" });
    send(ada, { type: "add", note: { text: "again" } });
    expect(await nextJson(grace)).toEqual({ type: "note", author: "ada", text: "again" });
  });

  it("publishes what is posted over HTTP, checked by the same schema", async () => {
    await using app = await open();
    await using client = await enter(app, "ada");
    const authorization = { Authorization: `Bearer ${await app.tokens.issue("grace", 60)}` };
    expect((await post(app, "/notes", { text: "" }, authorization)).status).toBe(400);
    expect((await post(app, "/notes", { text: "hello" })).status).toBe(401);
    expect((await post(app, "/notes", { text: "hello" }, authorization)).status).toBe(201);
    expect(await nextJson(client)).toEqual({ type: "note", author: "grace", text: "hello" });
  });

  it("refuses every other token with 401", async () => {
    await using app = await open();
    await using other = await open();
    const valid = await app.tokens.issue("ada", 60);
    const payload = valid.split(".")[1];
    const unsigned = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${payload}.`;
    for (const token of [
      "",
      "x",
      unsigned,
      await app.tokens.issue("ada", -1),
      await other.tokens.issue("ada", 60),
    ])
      await expect(connect(app, token, "notes.v1")).rejects.toThrow("401");
    await expect(Client.open(app.url("/notes"))).rejects.toThrow("401");
    await expect(connect(app, valid)).rejects.toThrow("400");
    await expect(connect(app, valid, "notes.v9")).rejects.toThrow("400");
  });

  it("closes with 3000 when the token expires, unless it was renewed", async () => {
    await using app = await open();
    await using leaving = await enter(app, "ada", 2);
    await using staying = await enter(app, "grace", 2);
    send(staying, { type: "renew", token: await app.tokens.issue("grace", 60) });
    const renewed = await nextJson(staying);
    expect(renewed).toEqual({ type: "renewed", expiresAt: expect.any(String) });
    expect(Date.parse(String(renewed["expiresAt"]))).toBeGreaterThan(Date.now() + 50_000);
    expect((await leaving.closed).code).toBe(3000);
    send(staying, { type: "add", note: { text: "still here" } });
    expect(await nextJson(staying)).toEqual({ type: "note", author: "grace", text: "still here" });
  });

  it("does not renew with somebody else's token, nor with an expired one", async () => {
    await using app = await open();
    await using client = await enter(app, "ada");
    for (const token of [await app.tokens.issue("grace", 60), await app.tokens.issue("ada", -1), ""]) {
      send(client, { type: "renew", token });
      expect(await nextJson(client)).toEqual({ type: "error", reason: "not a valid token of yours" });
    }
  });

  it.each([
    "{",
    "null",
    '{"type":"unknown"}',
    '{"type":"add"}',
    '{"type":"add","note":{"text":""}}',
    '{"type":"add","note":{"text":5}}',
    '{"type":"add","note":{"text":"a","author":"grace"}}',
    JSON.stringify({ type: "add", note: { text: "x".repeat(501) } }),
    '{"type":"renew","token":5}',
  ])("answers an invalid message with an error: %s", async (message) => {
    await using app = await open();
    await using client = await enter(app, "ada");
    client.send(message);
    expect(await nextJson(client)).toEqual({ type: "error", reason: "not a message of notes.v1" });
  });

  it("serves its page", async () => {
    await using app = await open();
    const page = await fetch(app.httpUrl("/"));
    expect(page.headers.get("content-security-policy")).toContain("script-src 'self'");
    expect((await fetch(app.httpUrl("/notes.js"))).status).toBe(200);
  });

  it("refuses a secret that is too short for the algorithm", async () => {
    await expect(start({ port: 0, secret: "secret" })).rejects.toThrow("32 bytes");
  });

  it("stops with a close frame for everyone", async () => {
    await using app = await open();
    await using client = await enter(app, "ada");
    await app.stop();
    expect((await client.closed).code).toBe(1001);
  });
});
