import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSpryWs, defineHooks, getClientAddress, useHeaders, useRequestURI } from "@spry-ws/core";
import { connect, refused, type TestableApp } from "@spry-ws/testing";
import express from "express";
import Fastify from "fastify";
import { describe, expect, it } from "vitest";
import { certificate } from "../fixtures/certificate.ts";
import { freePort } from "../fixtures/free-port.ts";
import { listen } from "../fixtures/listen.ts";
import { apps, expressApp, fastifyApp, httpListener, koaApp } from "./apps.ts";

const chat = defineHooks({
  upgrade: (event) => ({ ...(useHeaders(event).has("sec-websocket-protocol") && { protocol: "v2" }) }),
  open: (peer) => peer.send(useRequestURI(peer).href),
  message: (peer, message) => peer.send(message),
});

/** The transport of a client: a socket of the network, or a stream in memory. */
function transport({ websocket }: { websocket: object }): unknown {
  return "_socket" in websocket && (websocket._socket as object).constructor.name;
}

describe("connect", () => {
  it.each<[string, () => TestableApp, "MemorySocket" | "Socket"]>([
    ["an Express app, by its own listen", () => expressApp(chat), "Socket"],
    ["a Fastify app", () => fastifyApp(chat), "MemorySocket"],
    ["a Koa app", () => koaApp(chat), "MemorySocket"],
    ["a listener for requests", () => httpListener(chat), "MemorySocket"],
    ["the listener of a Koa app", () => koaApp(chat).callback(), "MemorySocket"],
    ["a server that does not listen", () => createServer(expressApp(chat)), "MemorySocket"],
  ])("reaches %s", async (_name, create, expected) => {
    await using client = await connect(create(), "/chat/blue?a=1%202");
    expect(transport(client)).toBe(expected);
    expect(new URL(await client.text())).toMatchObject({
      protocol: "http:",
      pathname: "/chat/blue",
      search: "?a=1%202",
    });
    client.send("héllo");
    expect(await client.text()).toBe("héllo");
    const large = Buffer.alloc(300_000, 7);
    client.send(large);
    expect(large.equals((await client.next()).bytes())).toBe(true);
  });

  it("reaches an https.Server that does not listen: the app takes the request for one over TLS", async () => {
    await using client = await connect(createSecureServer(certificate, expressApp(chat)), "/chat/blue");
    expect(await client.text()).toBe("https://localhost/chat/blue");
    expect(transport(client)).toBe("MemorySocket");
  });

  it.each<[string, () => Server]>([
    ["http", () => createServer(expressApp(chat))],
    ["https, whatever its certificate", () => createSecureServer(certificate, expressApp(chat))],
  ])("reaches a server where it listens, and leaves it running: %s", async (_name, create) => {
    await using running = await listen(create());
    await using client = await connect(running.server, "/chat/blue");
    expect(new URL(await client.text()).port).toBe(String(running.port));
    await client.close();
    expect(running.server.listening).toBe(true);
  });

  it.each([
    ["0.0.0.0", "127.0.0.1"],
    ["::1", "[::1]"],
    ["::", "localhost"],
  ])("reaches a server that listens on %s", async (address, host) => {
    const server = createServer(httpListener(chat));
    server.listen(0, address);
    await once(server, "listening");
    await using client = await connect(server);
    expect(new URL(await client.text()).hostname).toBe(host);
    server.close();
  });

  it("reaches a server on a Unix socket", async () => {
    const folder = await mkdtemp(join(tmpdir(), "spry-ws-testing-"));
    const server = createServer(httpListener(chat));
    server.listen(join(folder, "socket"));
    await once(server, "listening");
    const client = await connect(server, "/chat/blue");
    expect(new URL(await client.text()).pathname).toBe("/chat/blue");
    await client.close();
    server.close();
    await rm(folder, { recursive: true });
  });

  it("reaches a URL, with its own path or another", async () => {
    await using running = await listen(httpListener(chat));
    for (const url of [running.url("/own?a=1"), new URL(running.httpUrl("/own?a=1"))]) {
      await using own = await connect(url);
      expect(new URL(await own.text())).toMatchObject({ pathname: "/own", search: "?a=1" });
      await using other = await connect(url, "/other");
      expect(new URL(await other.text())).toMatchObject({ pathname: "/other", search: "" });
    }
  });

  it("goes through a port where it is asked to, and has the server closed behind it", async () => {
    const app = fastifyApp(chat);
    {
      await using client = await connect(app, "/chat/blue", { loopback: true });
      expect(transport(client)).toBe("Socket");
      expect(app.server.listening).toBe(true);
    }
    expect(app.server.listening).toBe(false);
    await using client = await connect(app, "/chat/blue");
    expect(transport(client)).toBe("MemorySocket");
  });

  it.each(apps)(
    "sends headers and subprotocols, and has the headers of the 101: %s",
    async (_name, create) => {
      const app = create({
        upgrade: (event) => {
          const headers = new Headers({ "X-User": useHeaders(event).get("authorization") ?? "nobody" });
          headers.append("Set-Cookie", "a=1");
          headers.append("Set-Cookie", "b=2");
          return { headers, protocol: "v2" };
        },
      });
      await using client = await connect(app, "/chat/blue", {
        headers: { Authorization: "ada" },
        protocols: ["v1", "v2"],
      });
      expect(client.protocol).toBe("v2");
      expect(client.headers.get("x-user")).toBe("ada");
      expect(client.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
      await using other = await connect(app, "/chat/blue", {
        headers: new Headers({ authorization: "bob" }),
        protocols: "v2",
      });
      expect(other.headers.get("x-user")).toBe("bob");
    },
  );

  it.each(apps)(
    "has an address for the server to see, another for each client: %s",
    async (_name, create) => {
      const app = create({ open: (peer) => peer.send(String(getClientAddress(peer))) });
      await using one = await connect(app, "/chat/blue");
      await using two = await connect(app, "/chat/blue");
      const addresses = [await one.text(), await two.text()];
      expect(addresses[0]).toMatch(/^127\.0\.0\.1:\d+$/);
      expect(addresses[1]).toMatch(/^127\.0\.0\.1:\d+$/);
      expect(addresses[1]).not.toBe(addresses[0]);
    },
  );

  it("says why where nobody listens at any address of a name", async () => {
    const port = await freePort();
    await expect(connect(`ws://localhost:${port}`)).rejects.toMatchObject({
      code: "SPRY_WS_TEST_HANDSHAKE",
      message: expect.stringMatching(/^GET \/: the handshake failed: .*ECONNREFUSED/),
    });
  });

  it("passes options to ws: compression for one", async () => {
    const spry = createSpryWs({ perMessageDeflate: true });
    const app = spry.handler({ message: (peer, message) => peer.send(message) });
    await using client = await connect(app, "/", { websocket: { perMessageDeflate: true } });
    expect(client.websocket.extensions).toBe("permessage-deflate");
    const text = "long text ".repeat(10_000);
    client.send(text);
    expect(await client.text()).toBe(text);
  });

  it("waits until a Fastify app is ready, and rejects with what its plugins throw", async () => {
    const app = Fastify();
    app.register(() => Promise.reject(new Error("plugin failed")));
    await expect(connect(app)).rejects.toThrow("plugin failed");
  });

  it.each<[string, () => Promise<unknown>, RegExp]>([
    ["no app", () => connect({} as never), /take an Express, Fastify or Koa app.*not a plain object/],
    ["no URL", () => connect("chat"), /not the string "chat"/],
    ["nothing", () => connect(undefined as never), /not undefined/],
    [
      "options in place of the path",
      () => connect(express(), {} as never),
      /a string as path, not a plain object/,
    ],
    ["path and app swapped", () => connect("/chat", express() as never), /a string as path, not a function/],
    [
      "an option that there is not",
      () => connect(express(), "/", { header: {} } as never),
      /no option "header"; the options are headers, protocols/,
    ],
    [
      "something else as options",
      () => connect(express(), "/", "v1" as never),
      /options are an object with headers, .*not the string "v1"/,
    ],
    ["a path without its slash", () => refused(express(), "chat"), /a path begins with "\/"/],
    ["a subprotocol that is none", () => connect(express(), "/", { protocols: "a b" }), /subprotocol/],
  ])("says what it takes where it gets %s", async (_name, call, message) => {
    await expect(call()).rejects.toMatchObject({
      code: "SPRY_WS_TEST_ARGUMENT",
      name: "TypeError",
      message: expect.stringMatching(message),
    });
  });
});
