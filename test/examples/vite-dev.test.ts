import { utimes } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { start } from "@spry-ws/example-vite-dev";
import { build } from "vite";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { Client } from "../fixtures/client.ts";
import { nextJson, run } from "../fixtures/example.ts";

const directory = new URL("../../examples/vite-dev/", import.meta.url);
const open = (isDevelopment: boolean) => run(start({ port: 0, isDevelopment }));
type App = Awaited<ReturnType<typeof open>>;

async function get(app: App, path: string): Promise<{ status: number; headers: Headers; text: string }> {
  const response = await fetch(app.httpUrl(path));
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** Connects as Vite's own client does, with the token that it has from the server. */
async function openHotUpdates(app: App): Promise<Client> {
  const token = /wsToken = "([^"]+)"/.exec((await get(app, "/@vite/client")).text)?.[1];
  const client = await Client.open(app.url(`/?token=${token}`), {
    protocols: ["vite-hmr"],
    origin: `http://127.0.0.1:${app.port}`,
  });
  expect(await nextJson(client)).toEqual({ type: "connected" });
  return client;
}

describe("examples/vite-dev in development", () => {
  // Vite tells the terminal what it has updated.
  beforeEach(() => void vi.spyOn(console, "log").mockImplementation(() => {}));
  afterEach(() => void vi.restoreAllMocks());

  it("serves the page, hot updates and the app's WebSocket on one port", async () => {
    await using app = await open(true);
    expect((await get(app, "/")).text).toContain("/@vite/client");
    expect((await get(app, "/main.ts")).text).toContain("new ReconnectingSocket");
    await using first = await Client.open(app.url("/clicks"));
    expect(await nextJson(first)).toEqual({ clicks: 0, people: 1 });
    await using hot = await openHotUpdates(app);
    await using second = await Client.open(app.url("/clicks"));
    for (const client of [first, second]) expect(await nextJson(client)).toEqual({ clicks: 0, people: 2 });

    // As if it had been saved in an editor: the module is replaced, and the app's WebSockets stay.
    let update: unknown;
    const updated = nextJson(hot).then((message) => {
      update = message;
    });
    // Vite does not tell when it has begun to watch the files.
    while (!update) {
      await utimes(new URL("client/view.ts", directory), new Date(), new Date());
      await get(app, "/view.ts");
    }
    await updated;
    expect(update).toMatchObject({
      type: "update",
      updates: [{ path: "/main.ts", acceptedPath: "/view.ts" }],
    });
    second.send("click");
    for (const client of [first, second]) expect(await nextJson(client)).toEqual({ clicks: 1, people: 2 });
    second.socket.close();
    expect(await nextJson(first)).toEqual({ clicks: 1, people: 1 });
  });

  it("stops, with a close frame for everyone", async () => {
    await using app = await open(true);
    await using client = await Client.open(app.url("/clicks"));
    await using hot = await openHotUpdates(app);
    await app.stop();
    expect((await client.closed).code).toBe(1001);
    await hot.closed;
  });
});

describe("examples/vite-dev in production", () => {
  beforeAll(async () => {
    await build({ configFile: fileURLToPath(new URL("vite.config.ts", directory)), logLevel: "silent" });
  });

  it("serves what vite build has made, with a strict Content-Security-Policy", async () => {
    await using app = await open(false);
    const page = await get(app, "/");
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'; script-src 'self'");
    expect(page.headers.get("cache-control")).toBe("no-cache");
    const assets = [...page.text.matchAll(/(?:href|src)="(\/[^"]+)"/g)].map(([, path]) => String(path));
    expect(assets.map((path) => path.split(".").at(-1)).sort()).toEqual(["css", "js", "svg"]);
    for (const path of assets) {
      const asset = await get(app, path);
      expect(asset.status).toBe(200);
      expect(asset.headers.get("cache-control")).toContain("immutable");
    }
    expect((await get(app, "/@vite/client")).status).toBe(404);
    expect((await get(app, "/..%2fmain.js")).status).toBe(404);
  });

  it("has the app's WebSocket, and no hot updates", async () => {
    await using app = await open(false);
    await using client = await Client.open(app.url("/clicks"));
    expect(await nextJson(client)).toEqual({ clicks: 0, people: 1 });
    await expect(Client.open(app.url("/"), { protocols: ["vite-hmr"] })).rejects.toThrow("404");
    client.send("clack");
    expect((await client.closed).code).toBe(1008);
  });
});
