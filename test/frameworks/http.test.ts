import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSpryWs, getClientAddress, useParam, useRequestURI } from "@spry-ws/core";
import { refused } from "@spry-ws/testing";
import { describe, expect, it } from "vitest";
import { certificate } from "../fixtures/certificate.ts";
import { Client } from "../fixtures/client.ts";
import { Deferred } from "../fixtures/deferred.ts";
import { listen } from "../fixtures/listen.ts";
import { handshake, RawClient } from "../fixtures/raw.ts";

describe("node:http", () => {
  it("learns its server from the first request too", async () => {
    const spry = createSpryWs();
    await using server = await listen(spry.handler({ open: (peer) => peer.send("hello") }));
    await using client = await Client.open(server.url("/"));
    expect(await client.next()).toBe("hello");
  });

  it("takes the params of a router of the user's own", async () => {
    const spry = createSpryWs();
    const chat = spry.handler({ open: (peer) => peer.send(String(useParam(peer, "room"))) });
    await using server = await listen((request, response) => chat(request, response, { room: "blue" }));
    await using client = await Client.open(server.url("/"));
    expect(await client.next()).toBe("blue");
  });

  it("closes without a deadline where it is Infinity, for which a timer would fire at once", async () => {
    const spry = createSpryWs({ closeTimeoutMs: 100 });
    await using server = await listen(spry.handler({}));
    using client = await RawClient.connect(server.port, handshake());
    await client.response();
    await spry.close({ deadlineMs: Number.POSITIVE_INFINITY });
    expect(spry.metrics().terminated.deadline).toBe(0);
  });

  it.each([
    [
      { deadline: 5 },
      /spry\.close\(options\): there is no option "deadline"; there are code, reason, deadlineMs/,
    ],
    [{ deadlineMs: Number.NaN }, /"deadlineMs" must be a number of milliseconds, or Infinity, not NaN/],
    [{ deadlineMs: -1 }, /"deadlineMs" must be a number of milliseconds, or Infinity, not -1/],
    [{ jitterMs: "1s" }, /"jitterMs" must be a number of milliseconds, 2147483647 at most, not a string/],
    [5_000, /"options" must be an object of options, not 5000/],
  ])("throws for close(%o), and goes on", async (options, text) => {
    const spry = createSpryWs();
    await using server = await listen(spry.handler({ open: (peer) => peer.send("hello") }));
    expect(() => spry.close(options as never)).toThrow(text);
    expect(() => spry.close(options as never)).toThrow(expect.objectContaining({ code: "SPRY_WS_OPTION" }));
    await using client = await Client.open(server.url("/"));
    expect(await client.next()).toBe("hello");
  });

  it("takes no expiresAt in seconds", async () => {
    const errors: unknown[] = [];
    const spry = createSpryWs({ onError: (error) => errors.push(error) });
    const upgrade = () => ({ expiresAt: Math.floor(Date.now() / 1_000) + 60 });
    expect((await refused(spry.handler({ upgrade }))).status).toBe(500);
    expect(errors).toMatchObject([
      { code: "SPRY_WS_EXPIRY", message: expect.stringContaining("write exp * 1000") },
    ]);
  });

  it("works over TLS, where the URL is https: (E8)", async () => {
    const spry = createSpryWs();
    const chat = spry.handler({ open: (peer) => peer.send(useRequestURI(peer).href) }, (_request, response) =>
      response.end("plain"),
    );
    const secure = createSecureServer(certificate, chat);
    spry.attach(secure);
    await using server = await listen(secure);
    await using client = await Client.open(`wss://localhost:${server.port}/chat`, { ca: certificate.cert });
    expect(await client.next()).toBe(`https://localhost:${server.port}/chat`);
  });

  it("drains over TLS, where a ping waits behind what was sent", async () => {
    const spry = createSpryWs();
    const drained = new Deferred();
    const chat = spry.handler({
      async message(peer) {
        peer.send(Buffer.alloc(8_388_608));
        peer.ping();
        await peer.drained();
        drained.resolve();
      },
    });
    const secure = createSecureServer(certificate, chat);
    spry.attach(secure);
    await using server = await listen(secure);
    await using client = await Client.open(`wss://localhost:${server.port}/chat`, { ca: certificate.cert });
    client.send("x");
    client.socket.pause();
    await new Promise((resolve) => setTimeout(resolve, 100));
    client.socket.resume();
    await drained.promise;
  });

  it("works over a Unix socket, where the client has no address (E8)", async () => {
    const folder = await mkdtemp(join(tmpdir(), "spry-ws-"));
    const spry = createSpryWs();
    const server = createServer(spry.handler({ open: (peer) => peer.send(String(getClientAddress(peer))) }));
    spry.attach(server);
    server.listen(join(folder, "socket"));
    await once(server, "listening");
    const client = await Client.open(`ws+unix://${join(folder, "socket")}:/chat`);
    expect(await client.next()).toBe("undefined");
    await spry.close();
    server.close();
    await rm(folder, { recursive: true });
  });

  it("serves two servers with one instance (E8)", async () => {
    const spry = createSpryWs();
    const chat = spry.handler({ open: (peer) => peer.subscribe("room") });
    await using one = await listen(chat);
    await using two = await listen(chat);
    await using first = await Client.open(one.url("/"));
    await using second = await Client.open(two.url("/"));
    spry.publish("room", "both");
    expect([await first.next(), await second.next()]).toEqual(["both", "both"]);
  });

  it("answers 500 where the user's own request listener throws, and reports it", async () => {
    const errors: unknown[] = [];
    const spry = createSpryWs({ onError: (error) => errors.push(error) });
    const server = createServer(() => {
      throw new Error("listener failed");
    });
    spry.attach(server);
    await using running = await listen(server);
    using client = await RawClient.connect(running.port, handshake());
    expect((await client.response()).status).toBe(500);
    expect(errors).toMatchObject([{ message: "listener failed" }]);
  });

  it("answers 500 where an async fallback rejects, and reports it", async () => {
    const errors: unknown[] = [];
    const spry = createSpryWs({ onError: (error) => errors.push(error) });
    await using server = await listen(spry.handler({}, () => Promise.reject(new Error("fallback failed"))));
    expect((await fetch(server.httpUrl("/"))).status).toBe(500);
    expect(errors).toMatchObject([{ message: "fallback failed" }]);
  });

  it.each<[string, (request: IncomingMessage, response: ServerResponse) => void]>([
    ["its response", (_request, response) => response.destroy(new Error("late"))],
    ["its request", (request) => request.destroy(new Error("late"))],
  ])("keeps the peer where the user's own listener destroys %s behind the 101", async (_what, destroy) => {
    const spry = createSpryWs();
    const chat = spry.handler({ message: (peer, message) => peer.send(message) });
    await using server = await listen((request, response) => {
      chat(request, response);
      if (response.headersSent) setImmediate(destroy, request, response);
    });
    spry.attach(server.server);
    await using client = await Client.open(server.url("/"));
    client.send("still here");
    expect(await client.next()).toBe("still here");
  });

  it("survives an error with which a response is destroyed at once behind the 101", async () => {
    const spry = createSpryWs();
    const chat = spry.handler({ message: (peer, message) => peer.send(message) });
    await using server = await listen((request, response) => {
      chat(request, response);
      response.destroy(new Error("late"));
    });
    spry.attach(server.server);
    await using client = await Client.open(server.url("/"));
    client.send("still here");
    expect(await client.next()).toBe("still here");
  });

  it("keeps the body of a request that asks for another protocol", async () => {
    const spry = createSpryWs();
    const server = createServer(async (request, response) => {
      let text = "";
      for await (const chunk of request) text += chunk;
      response.end(`${request.method} ${text}`);
    });
    spry.attach(server);
    await using running = await listen(server);
    const head =
      "POST / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: upgrade\r\nContent-Length: 11\r\n\r\n";
    using client = await RawClient.connect(running.port, `${head}hello `);
    client.socket.write("world");
    expect((await client.response()).body).toBe("POST hello world");
  });

  it("ends the connection of an HTTP/1.0 client that asks for another protocol, which it has not asked to keep", async () => {
    const spry = createSpryWs();
    const server = createServer((_request, response) => response.setHeader("Content-Length", 5).end("plain"));
    spry.attach(server);
    await using running = await listen(server);
    const head = "GET / HTTP/1.0\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n";
    using client = await RawClient.connect(running.port, head);
    expect(await client.response()).toMatchObject({ status: 200, headers: { connection: "close" } });
    await client.ended();
  });

  it("refuses handshakes with 503 once it closes, and resolves close for every caller", async () => {
    const spry = createSpryWs();
    await using server = await listen(createServer(spry.handler({})));
    spry.attach(server.server);
    await using client = await Client.open(server.url("/"));
    await Promise.all([spry.close({ code: 4000, reason: "done" }), spry.close()]);
    expect(await client.closed).toEqual({ code: 4000, reason: "done" });
    using late = await RawClient.connect(server.port, handshake());
    const response = await late.response();
    expect([response.status, response.headers["retry-after"]]).toEqual([503, "1"]);
    expect(() => spry.close({ code: 1005 })).toThrow(RangeError);
  });

  it("refuses a handshake whose upgrade hook is still running when it closes", async () => {
    const spry = createSpryWs();
    const chat = spry.handler({ upgrade: () => spry.close() });
    await using server = await listen(createServer(chat));
    using client = await RawClient.connect(server.port, handshake());
    expect((await client.response()).status).toBe(503);
  });

  it("says what attach takes", () => {
    expect(() => createSpryWs().attach({} as never)).toThrow(
      /attach\(server\) takes the server of http\.createServer/,
    );
  });
});
