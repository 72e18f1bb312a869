import { start } from "@spry-ws/example-session-room";
import { describe, expect, it } from "vitest";
import { Client } from "../fixtures/client.ts";
import { nextJson, run } from "../fixtures/example.ts";
import { handshake, RawClient } from "../fixtures/raw.ts";

const open = () => run(start({ port: 0 }));
type App = Awaited<ReturnType<typeof open>>;

const ada = { name: "ada", password: "difference engine" };
const grace = { name: "grace", password: "nanosecond" };

function post(app: App, path: string, body = {}, headers = {}): Promise<Response> {
  return fetch(app.httpUrl(path), {
    method: "POST",
    body: new URLSearchParams(body),
    headers,
    redirect: "manual",
  });
}

/** The cookie of a new session, as the browser sends it back. */
async function logIn(app: App, who: typeof ada, headers = {}): Promise<{ cookie: string }> {
  const response = await post(app, "/login", who, headers);
  expect(response.status).toBe(303);
  return { cookie: response.headers.getSetCookie()[0]?.split(";", 1)[0] ?? "" };
}

const enter = (app: App, headers: { cookie: string }) => Client.open(app.url("/room"), { headers });

describe("examples/session-room", () => {
  it("lets those in who have logged in, and tells everyone what they say", async () => {
    await using app = await open();
    await using first = await enter(app, await logIn(app, ada));
    expect(await nextJson(first)).toEqual({ type: "joined", user: "ada", isYours: true });
    await using second = await enter(app, await logIn(app, grace));
    expect(await nextJson(first)).toEqual({ type: "joined", user: "grace" });
    expect(await nextJson(second)).toEqual({ type: "joined", user: "grace", isYours: true });
    second.send(" hello ");
    expect(await nextJson(first)).toEqual({ type: "said", user: "grace", text: "hello" });
    // So the page knows that it has arrived.
    expect(await nextJson(second)).toEqual({ type: "said", user: "grace", text: "hello", isYours: true });
    second.socket.close();
    expect(await nextJson(first)).toEqual({ type: "left", user: "grace" });
  });

  it("says why it does not pass on what is empty or too long", async () => {
    await using app = await open();
    await using client = await enter(app, await logIn(app, ada));
    await nextJson(client);
    for (const text of [" ", "x".repeat(501)]) {
      client.send(text);
      expect(await nextJson(client)).toEqual({
        type: "refused",
        reason: "A message has 1 to 500 characters.",
      });
    }
  });

  it("refuses everyone else with an ordinary 401", async () => {
    await using app = await open();
    for (const headers of [{}, { Cookie: "sid=s%3Amade-up.signature" }]) {
      using client = await RawClient.connect(app.port, handshake({ target: "/room", headers }));
      const response = await client.response();
      expect(response.status).toBe(401);
      expect(response.body.toString()).toBe("Log in first.\n");
      expect(response.headers["content-security-policy"]).toBeDefined();
    }
    expect((await fetch(app.httpUrl("/room"))).status).toBe(426);
  });

  it("refuses pages of other sites: their sockets and their forms", async () => {
    await using app = await open();
    const headers = await logIn(app, ada);
    const origin = "https://evil.example";
    await expect(Client.open(app.url("/room"), { headers, origin })).rejects.toThrow("403");
    for (const path of ["/login", "/logout"])
      expect((await post(app, path, grace, { ...headers, origin })).status).toBe(403);
    expect((await post(app, "/login", grace, { origin: "null" })).status).toBe(403);
    await using client = await Client.open(app.url("/room"), {
      headers,
      origin: `http://127.0.0.1:${app.port}`,
    });
    expect(await nextJson(client)).toEqual({ type: "joined", user: "ada", isYours: true });
  });

  it("closes every socket of a session with 4001 when it ends, and no other", async () => {
    await using app = await open();
    const headers = await logIn(app, ada);
    const elsewhere = await logIn(app, ada);
    await using first = await enter(app, headers);
    await using second = await enter(app, headers);
    await using third = await enter(app, elsewhere);
    await using other = await enter(app, await logIn(app, grace));
    while ((await nextJson(first))["user"] !== "grace");

    expect((await post(app, "/logout", {}, headers)).status).toBe(303);
    for (const client of [first, second])
      expect(await client.closed).toEqual({ code: 4001, reason: "logged out" });
    await expect(enter(app, headers)).rejects.toThrow("401");
    third.send("still here");
    while ((await nextJson(other))["text"] !== "still here");
  });

  it("ends the sockets of whoever was logged in before in the same browser", async () => {
    await using app = await open();
    const headers = await logIn(app, ada);
    await using client = await enter(app, headers);
    expect(await logIn(app, grace, headers)).not.toEqual(headers);
    expect((await client.closed).code).toBe(4001);
  });

  it("sets a cookie that no script reads and no other site sends, and changes it at the login", async () => {
    await using app = await open();
    const response = await post(app, "/login", ada);
    expect(response.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^sid=.+; Path=\/; Expires=.+; HttpOnly; SameSite=Lax$/),
    ]);
    const page = await fetch(app.httpUrl("/"), { headers: await logIn(app, ada) });
    expect(page.headers.get("cache-control")).toBe("no-store");
    expect(await page.text()).toContain("You are ada.");
  });

  it.each([
    ["a wrong password", { ...ada, password: "nanosecond" }],
    ["a name that does not exist", { name: "__proto__", password: "" }],
    ["two names", "name=ada&name=grace&password=nanosecond"],
    ["nothing", {}],
  ])("shows the login again for %s", async (_which, body) => {
    await using app = await open();
    const response = await post(app, "/login", body);
    expect(response.status).toBe(401);
    expect(response.headers.getSetCookie()).toEqual([]);
    expect(await response.text()).toContain("Name or password is wrong.");
  });

  it("stops with a close frame for everyone", async () => {
    await using app = await open();
    await using client = await enter(app, await logIn(app, ada));
    await app.stop();
    expect((await client.closed).code).toBe(1001);
  });
});
