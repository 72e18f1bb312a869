import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { createSpryWs } from "@spry-ws/core";
import { spryWs, ws } from "@spry-ws/express";
import { connect, refused } from "@spry-ws/testing";
import express from "express";
import { describe, expect, it } from "vitest";
import { apps, fastifyApp } from "./apps.ts";

describe("refused", () => {
  it.each(apps)("has what upgrade threw as the cause of connect's error: %s", async (_name, create) => {
    const app = create({ upgrade: () => Promise.reject(new Error("no database")) });
    await expect(connect(app, "/chat/blue")).rejects.toMatchObject({
      code: "SPRY_WS_TEST_REFUSED",
      refusal: { status: 500 },
      cause: new Error("no database"),
    });
  });

  it.each(apps)("gives the whole answer: %s", async (_name, create) => {
    const app = create({
      upgrade: () => {
        const headers = new Headers({ "WWW-Authenticate": "Bearer" });
        headers.append("Set-Cookie", "a=1");
        headers.append("Set-Cookie", "b=2");
        return Response.json({ error: "who are you?" }, { status: 401, statusText: "Who", headers });
      },
    });
    const answer = await refused(app, "/chat/blue");
    expect([answer.status, answer.statusText]).toEqual([401, "Who"]);
    expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    expect(answer.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(answer.body).toBe('{"error":"who are you?"}');
    expect(answer.json<{ error: string }>().error).toBe("who are you?");
  });

  it("gives the answers of middleware and of the framework, redirects too", async () => {
    const app = express();
    app.use(spryWs());
    app.get("/login", (_request, response) => response.redirect("/elsewhere"), ws({}));
    const redirect = await refused(app, "/login");
    expect([redirect.status, redirect.headers.get("location")]).toEqual([302, "/elsewhere"]);
    expect((await refused(app, "/unknown")).status).toBe(404);
    expect((await refused(fastifyApp({}), "/unknown")).json()).toMatchObject({ statusCode: 404 });
  });

  it("gives a streamed body when it is complete", async () => {
    const upgrade = () => {
      const chunks = ["one ", "two"];
      const body = new ReadableStream({
        async pull(controller) {
          await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
          const chunk = chunks.shift();
          if (chunk === undefined) controller.close();
          else controller.enqueue(new TextEncoder().encode(chunk));
        },
      });
      return new Response(body, { status: 409 });
    };
    expect((await refused(createSpryWs().handler({ upgrade }))).body).toBe("one two");
  });

  it("sends the headers it is given", async () => {
    const app = createSpryWs({ onError: () => {} }).handler({});
    expect((await refused(app, "/", { headers: { origin: "https://evil.example" } })).status).toBe(403);
  });

  it("rejects where the handshake was accepted, and closes the connection", async () => {
    const spry = createSpryWs();
    const app = spry.handler({});
    await expect(refused(app, "/chat")).rejects.toMatchObject({
      code: "SPRY_WS_TEST_ACCEPTED",
      message: expect.stringMatching(
        /^GET \/chat: the handshake was accepted.*\n.*await connect\(app, path\)/,
      ),
    });
    await expect.poll(() => spry.peers.size).toBe(0);
  });
});

describe("connect", () => {
  it("rejects with the answer to a refused handshake, and says how to test it", async () => {
    const app = createSpryWs().handler({ upgrade: () => new Response("log in first", { status: 401 }) });
    await expect(connect(app, "/chat")).rejects.toMatchObject({
      code: "SPRY_WS_TEST_REFUSED",
      message:
        "GET /chat: the handshake was refused with 401 Unauthorized: log in first\n" +
        "To test a refusal write: const answer = await refused(app, path)",
      refusal: { status: 401, body: "log in first" },
    });
  });

  it("rejects where nothing answers in time", async () => {
    const app = createHttpServer(() => {});
    await expect(connect(app, "/chat", { timeoutMs: 5 })).rejects.toMatchObject({
      code: "SPRY_WS_TEST_TIMEOUT",
      message: "GET /chat: the handshake was not answered within 5 ms",
    });
  });

  it("rejects with what the network or the protocol said", async () => {
    const server = createServer((socket) =>
      socket.end("HTTP/1.1 101 Nonsense\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await expect(connect(url)).rejects.toMatchObject({
      code: "SPRY_WS_TEST_HANDSHAKE",
      message: "GET /: the handshake failed: Invalid Sec-WebSocket-Accept header",
    });
    server.close();
    await expect(connect(url)).rejects.toMatchObject({
      code: "SPRY_WS_TEST_HANDSHAKE",
      cause: { code: "ECONNREFUSED" },
    });
  });

  it("rejects where the server leaves without an answer", async () => {
    const app = createHttpServer((request) => request.socket.destroy());
    await expect(connect(app)).rejects.toMatchObject({
      code: "SPRY_WS_TEST_HANDSHAKE",
      cause: { code: "ECONNRESET" },
    });
    await expect(refused(app)).rejects.toMatchObject({ code: "SPRY_WS_TEST_HANDSHAKE" });
  });
});
