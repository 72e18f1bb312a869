import { describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { Client } from "../fixtures/client.ts";
import { handshake, RawClient } from "../fixtures/raw.ts";
import { frameworks, type Part } from "./fixtures/frameworks.ts";
import { chat, converse, get, open, settled } from "./fixtures/open.ts";

describe.each(frameworks)("$name with two instances on one server", (framework) => {
  const part = (path: string): Part => ({
    path,
    hooks: { message: (peer, message) => void peer.send(`${path}: ${message.text()}`) },
    options: { path },
  });

  it("serves each its path, and counts each its own", async () => {
    await using site = await open(framework, { parts: [part("/one"), part("/two")] });
    const [one, two] = site.instances;
    await using first = await Client.open(site.url("/one"));
    await using second = await Client.open(site.url("/two"));
    await using third = await Client.open(site.url("/two"));
    for (const client of [first, second, third]) client.send("hello");
    expect(await first.next()).toBe("/one: hello");
    expect([await second.next(), await third.next()]).toEqual(["/two: hello", "/two: hello"]);
    expect([one?.peers.size, two?.peers.size]).toEqual([1, 2]);
    await one?.close();
    expect((await first.closed).code).toBe(1001);
    third.send("still");
    expect(await third.next()).toBe("/two: still");
  });

  it("answers 404 for a path that is of neither", async () => {
    await using site = await open(framework, { parts: [part("/one"), part("/two")] });
    using client = await RawClient.connect(site.port, handshake({ target: "/three" }));
    expect((await client.response()).status).toBe(404);
    await client.ended();
    await settled(site);
    expect(site.instances.map((instance) => instance.metrics().pendingHandshakes)).toEqual([0, 0]);
  });

  it("leaves a path that is of neither to a neighbour", async () => {
    const sockets: WebSocketServer[] = [];
    await using site = await open(framework, {
      parts: [{ ...part("/chat"), hooks: chat }, part("/two")],
      before: (server) => sockets.push(new WebSocketServer({ server, path: "/theirs" })),
    });
    sockets[0]?.on("connection", (websocket) => websocket.send("theirs"));
    await using theirs = await Client.open(site.url("/theirs"));
    expect(await theirs.next()).toBe("theirs");
    await converse(site.url("/chat"));
  });

  it("closes the peers of both with the server", async () => {
    await using site = await open(framework, { parts: [part("/one"), part("/two")] });
    await using first = await Client.open(site.url("/one"));
    await using second = await Client.open(site.url("/two"));
    site.server.close();
    expect([(await first.closed).code, (await second.closed).code]).toEqual([1001, 1001]);
  });
});

/** Servers made by hand that nobody calls `attach` with: an instance learns its server from a request. */
describe.each(frameworks.filter(({ name }) => name !== "fastify 5"))("$name without attach", (framework) => {
  const part = (path: string): Part => ({ path, hooks: chat, options: { path } });

  it("sees no handshake while a neighbour gets them, from the first plain request on all", async () => {
    let neighbour: WebSocketServer | undefined;
    await using site = await open(framework, {
      parts: [part("/chat")],
      before: (server) => {
        neighbour = new WebSocketServer({ server, path: "/theirs" });
      },
      isAttached: false,
    });
    neighbour?.on("connection", (websocket) => websocket.send("theirs"));
    using early = await RawClient.connect(site.port, handshake({ target: "/chat" }));
    expect((await early.response()).status).toBe(400); // The neighbour's: it has another path.
    expect((await get(site.httpUrl("/chat"))).status).toBe(426);
    await converse(site.url("/chat"));
    await using theirs = await Client.open(site.url("/theirs"));
    expect(await theirs.next()).toBe("theirs");
  });

  it("serves the path of the first of two instances at once", async () => {
    await using site = await open(framework, { parts: [part("/one"), part("/two")], isAttached: false });
    await converse(site.url("/one"));
  });

  // With node:http an instance sees only what reaches its own handler.
  const test = framework.name === "node:http" ? it : it;
  test("serves the path of the second of two instances at once", async () => {
    await using site = await open(framework, { parts: [part("/one"), part("/two")], isAttached: false });
    await converse(site.url("/two"));
  });
});
