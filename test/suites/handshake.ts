import { once } from "node:events";
import { get } from "node:http";
import { type Event, getClientAddress, type UpgradeResult } from "@spry-ws/core";
import { describe, expect, it } from "vitest";
import type { Adapter } from "../fixtures/adapter.ts";
import { Client } from "../fixtures/client.ts";
import { accept, frame, handshake, RawClient } from "../fixtures/raw.ts";
import { Recorder } from "../fixtures/recorder.ts";
import { type RunningApp, serve } from "../fixtures/serve.ts";

export function handshakeSuite(adapter: Adapter): void {
  /** An app with one route whose `upgrade` hook returns what the test says. */
  async function withUpgrade(upgrade: (event: Event) => UpgradeResult<unknown>): Promise<RunningApp> {
    return serve(adapter, { routes: { "/": { hooks: { upgrade } } } });
  }

  describe("accepting", () => {
    it("answers 101 with the accept key of RFC 6455 section 1.3 and nothing that describes a body", async () => {
      await using app = await withUpgrade(() => undefined);
      using client = await RawClient.connect(app.port, handshake());
      const response = await client.response();
      expect(response.status).toBe(101);
      expect(response.headers).toEqual({
        upgrade: "websocket",
        connection: "Upgrade",
        "sec-websocket-accept": accept,
      });
    });

    it("puts the headers of the upgrade hook and every cookie on the 101 (C5)", async () => {
      await using app = await withUpgrade(() => {
        const headers = new Headers({ "X-Room": "blue", "Content-Type": "text/html" });
        headers.append("Set-Cookie", "a=1; Path=/");
        headers.append("Set-Cookie", "b=2, with a comma");
        return headers;
      });
      using client = await RawClient.connect(app.port, handshake());
      const response = await client.response();
      expect(response.headers["x-room"]).toBe("blue");
      expect(response.headers["content-type"]).toBeUndefined();
      expect(response.cookies).toEqual(["a=1; Path=/", "b=2, with a comma"]);
    });

    it("takes the headers of an acceptance as a record too", async () => {
      await using app = await withUpgrade(() => ({ headers: { "X-Room": "blue" } }));
      using client = await RawClient.connect(app.port, handshake());
      expect((await client.response()).headers["x-room"]).toBe("blue");
    });

    it.each([
      ["Upgrade: WebSocket", { Upgrade: "WebSocket" }],
      ["Upgrade: websocket, foo", { Upgrade: "websocket, foo" }],
      ["two Upgrade headers", { Upgrade: ["foo", "websocket"] }],
      ["Connection: keep-alive, upgrade", { Connection: "keep-alive, upgrade" }],
    ])("accepts %s: tokens in any case, in a list (C7)", async (_name, headers) => {
      await using app = await withUpgrade(() => undefined);
      using client = await RawClient.connect(app.port, handshake({ headers }));
      const response = await client.response();
      expect(response.status).toBe(101);
      expect(response.headers["upgrade"]).toBe("websocket");
    });

    it("selects the subprotocol the hook chose, one of those offered", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        upgrade: () => ({ protocol: "v2" }),
        open: (peer) => recorder.note(`protocol ${peer.protocol}`),
      });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      await using client = await Client.open(app.url("/"), { protocols: ["v1", "v2"] });
      expect(client.socket.protocol).toBe("v2");
      await recorder.until("protocol v2");
    });

    it("has no protocol and no extensions where nothing was negotiated, whatever the client offered (C9)", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({
        open: (peer) => recorder.note(JSON.stringify([peer.protocol, peer.extensions])),
      });
      await using app = await serve(adapter, { routes: { "/": { hooks } } });
      const headers = { "Sec-WebSocket-Protocol": "v1", "Sec-WebSocket-Extensions": "permessage-deflate" };
      using client = await RawClient.connect(app.port, handshake({ headers }));
      const response = await client.response();
      expect(response.headers["sec-websocket-protocol"]).toBeUndefined();
      expect(response.headers["sec-websocket-extensions"]).toBeUndefined();
      await recorder.until('["",""]');
    });

    it("compresses where the option allows it and the client offers it", async () => {
      const recorder = new Recorder();
      const hooks = recorder.hooks({ message: (peer, message) => peer.send(message) });
      await using app = await serve(adapter, {
        routes: { "/": { hooks } },
        options: { perMessageDeflate: true },
      });
      await using client = await Client.open(app.url("/"), { perMessageDeflate: true });
      const text = "long text ".repeat(1_000);
      client.send(text);
      expect(await client.next()).toBe(text);
      expect(recorder.peers[0]?.extensions).toBe("permessage-deflate");
      expect((await client.response).headers["sec-websocket-extensions"]).toContain(
        "server_no_context_takeover",
      );
    });

    it("delivers a frame that came in the same segment as the handshake (B3)", async () => {
      const recorder = new Recorder();
      await using app = await serve(adapter, { routes: { "/": { hooks: recorder.hooks() } } });
      using client = await RawClient.connect(
        app.port,
        Buffer.concat([Buffer.from(handshake()), frame("early")]),
      );
      expect((await client.response()).status).toBe(101);
      await recorder.until("message early");
      expect(recorder.calls).toEqual(["upgrade", "open", "message early"]);
    });
  });

  describe("refusing what cannot become a WebSocket, before any hook (C7, A3)", () => {
    it.each([
      ["POST", { method: "POST" }, 405, { allow: "GET" }],
      ["a missing key", { headers: { "Sec-WebSocket-Key": null } }, 400, {}],
      ["a short key", { headers: { "Sec-WebSocket-Key": "c2hvcnQ=" } }, 400, {}],
      [
        "two keys",
        { headers: { "Sec-WebSocket-Key": ["dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="] } },
        400,
        {},
      ],
      ["version 12", { headers: { "Sec-WebSocket-Version": "12" } }, 426, { "sec-websocket-version": "13" }],
      ["no version", { headers: { "Sec-WebSocket-Version": null } }, 426, { "sec-websocket-version": "13" }],
      ["an invalid list of subprotocols", { headers: { "Sec-WebSocket-Protocol": "a,,b" } }, 400, {}],
      ["a subprotocol offered twice", { headers: { "Sec-WebSocket-Protocol": "a, a" } }, 400, {}],
      ["Host: a b", { headers: { Host: "a b" } }, 400, {}],
      ["Host: a/b", { headers: { Host: "a/b" } }, 400, {}],
      ["no Host", { headers: { Host: null } }, 400, {}],
      ["two Hosts", { headers: { Host: ["localhost", "localhost"] } }, 400, {}],
      ["an absolute target with credentials", { target: "http://a:b@localhost/" }, 400, {}],
      ["the target *", { target: "*" }, 400, {}],
    ])("refuses %s", async (_name, request, status, headers) => {
      const recorder = new Recorder();
      await using app = await serve(adapter, { routes: { "/": { hooks: recorder.hooks() } } });
      using client = await RawClient.connect(app.port, handshake(request));
      const response = await client.response();
      expect(response.status).toBe(status);
      expect(response.headers).toMatchObject(headers);
      expect(response.headers["connection"]).toContain("close");
      await client.ended();
      expect(recorder.calls).toEqual([]);
    });

    it("refuses a handshake with a body", async () => {
      await using app = await serve(adapter, { routes: { "/": { hooks: {} } } });
      await fetch(`http://127.0.0.1:${app.port}/`); // A server that is not known yet serves it as a plain GET.
      const body = Buffer.concat([
        Buffer.from(handshake({ headers: { "Content-Length": "7" } })),
        frame("x"),
      ]);
      using client = await RawClient.connect(app.port, body);
      expect((await client.response()).status).toBe(400);
      await client.ended();
    });

    it("serves a GET with Upgrade: h2c as plain HTTP, with keep-alive", async () => {
      await using app = await serve(adapter, { routes: { "/plain": { text: "plain" }, "/": { hooks: {} } } });
      const headers = {
        Upgrade: "h2c",
        Connection: "Upgrade, HTTP2-Settings",
        "HTTP2-Settings": "AAMAAABkAAQAAP__",
      };
      using client = await RawClient.connect(app.port, handshake({ target: "/plain", headers }));
      const response = await client.response();
      expect([response.status, response.body]).toEqual([200, "plain"]);
      client.socket.write("GET /plain HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
      expect((await client.response()).body).toBe("plain");
    });

    it("takes a GET that has Upgrade but no Connection: Upgrade for a plain one", async () => {
      await using app = await serve(adapter, { routes: { "/": { hooks: {}, text: "plain" } } });
      using client = await RawClient.connect(app.port, handshake({ headers: { Connection: "close" } }));
      expect((await client.response()).body).toBe("plain");
    });
  });

  describe("mistakes of the upgrade hook", () => {
    it("answers 500 and names the mistake where the hook chose a subprotocol that was not offered (C8)", async () => {
      await using app = await withUpgrade(() => ({ protocol: "v9" }));
      using client = await RawClient.connect(
        app.port,
        handshake({ headers: { "Sec-WebSocket-Protocol": "v1" } }),
      );
      expect((await client.response()).status).toBe(500);
      expect(app.logged).toMatchObject([
        { code: "SPRY_WS_SUBPROTOCOL", message: expect.stringContaining('"v9"') },
      ]);
    });

    it.each([
      ["a number", 5 as never, /returned a number/],
      ["an unknown key", { user: "ada" } as never, /write \{ context: \{ user \} \}/],
      [
        "a header of the handshake",
        new Headers({ "Sec-WebSocket-Protocol": "a" }),
        /write \{ protocol: name \}/,
      ],
    ])("answers 500 and says what to write where the hook returned %s", async (_name, result, text) => {
      await using app = await withUpgrade(() => result);
      using client = await RawClient.connect(app.port, handshake());
      expect((await client.response()).status).toBe(500);
      expect(app.logged).toMatchObject([
        { code: "SPRY_WS_UPGRADE_RESULT", message: expect.stringMatching(text) },
      ]);
    });
  });

  describe("plain requests", () => {
    it("answers a plain GET on a WebSocket route with 426 and Upgrade: websocket (C4)", async () => {
      await using app = await serve(adapter, { routes: { "/chat": { hooks: {} } } });
      const [response] = await once(get(`http://127.0.0.1:${app.port}/chat`), "response");
      expect(response.statusCode).toBe(426);
      expect(response.headers.upgrade).toBe("websocket");
      response.resume();
    });

    it("runs the fallback for a plain GET, and the hooks for a handshake (C4)", async () => {
      const hooks = { open: (peer: { send(data: string): boolean }) => peer.send("socket") };
      await using app = await serve(adapter, { routes: { "/chat": { hooks, text: "page" } } });
      expect(await (await fetch(`http://127.0.0.1:${app.port}/chat`)).text()).toBe("page");
      await using client = await Client.open(app.url("/chat"));
      expect(await client.next()).toBe("socket");
    });

    it("gives a handshake on a plain HTTP route the route's ordinary answer, never a 101 (C3)", async () => {
      await using app = await serve(adapter, { routes: { "/plain": { text: "plain" } } });
      using client = await RawClient.connect(app.port, handshake({ target: "/plain" }));
      const response = await client.response();
      expect([response.status, response.body]).toEqual([200, "plain"]);
      await client.ended();
    });

    it("gives a handshake on an unknown path the framework's 404 (C2)", async () => {
      await using app = await serve(adapter, { routes: {} });
      using client = await RawClient.connect(app.port, handshake({ target: "/unknown" }));
      const response = await client.response();
      const plain = await fetch(`http://127.0.0.1:${app.port}/unknown`);
      expect(response.status).toBe(404);
      expect(response.body).toBe(await plain.text());
      await client.ended();
    });
  });

  it("gives the client's address, the same in every hook (D4)", async () => {
    const seen: (string | undefined)[] = [];
    const recorder = new Recorder();
    const note = (event: Event) => void seen.push(getClientAddress(event));
    const hooks = recorder.hooks({ upgrade: note, open: note, message: note, close: note });
    await using app = await serve(adapter, { routes: { "/": { hooks } } });
    const headers = { "X-Forwarded-For": "203.0.113.7" };
    using client = await RawClient.connect(app.port, handshake({ headers }));
    await client.response();
    client.socket.write(frame("x"));
    await recorder.until("message x");
    const expected = `127.0.0.1:${client.socket.localPort}`;
    client.reset();
    await recorder.until("close 1006");
    expect(seen).toEqual([expected, expected, expected, expected]);
  });
}
