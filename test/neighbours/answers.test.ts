import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { Client } from "../fixtures/client.ts";
import { closeFrame, frame, handshake, RawClient } from "../fixtures/raw.ts";
import { frameworks, type SiteSpec } from "./fixtures/frameworks.ts";
import { chat, converse, get, open, settled, within } from "./fixtures/open.ts";

/** A small `handshakeTimeoutMs`, for the tests that wait for it. */
const soonMs = 100;
/** Long enough for what comes at once, far below the `handshakeTimeoutMs` of the tests that use it. */
const atOnceMs = 1_000;

type Listener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** A site with `/chat`, and an `upgrade` listener that was there before. */
function beside(listener: Listener, { options = {}, ...spec }: Partial<SiteSpec> & Options = {}): SiteSpec {
  const before = (server: Server) => server.on("upgrade", listener);
  return { parts: [{ path: "/chat", hooks: chat, options }], before, ...spec };
}

interface Options {
  readonly options?: NonNullable<SiteSpec["parts"][number]["options"]>;
}

/** An `upgrade` listener that serves every path, after a while. */
function echoAfter(ms: number): Listener {
  const sockets = new WebSocketServer({ noServer: true });
  const echo: Listener = (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (websocket) =>
      websocket.on("message", (data) => websocket.send(`theirs: ${data}`)),
    );
  return (...args) => void (ms === 0 ? echo(...args) : setTimeout(echo, ms, ...args));
}

const ignore: Listener = () => {};

describe.concurrent.each(frameworks)("$name beside a neighbour", (framework) => {
  const isHttp = framework.name === "node:http";

  describe("that ignores a path we do not know either", () => {
    it("answers with the framework's whole 404 after handshakeTimeoutMs, and with nothing before", async () => {
      let offered = 0;
      const options = { handshakeTimeoutMs: soonMs };
      await using site = await open(
        framework,
        beside(() => offered++, { options }),
      );
      const start = performance.now();
      let firstByteMs = 0;
      using client = await RawClient.connect(site.port, handshake({ target: "/unknown" }));
      client.socket.once("data", () => {
        firstByteMs = performance.now() - start;
      });
      const { status, headers, body } = await client.response();
      expect({ status, type: headers["content-type"], body }).toEqual(await get(site.httpUrl("/unknown")));
      expect(status).toBe(404);
      expect(firstByteMs).toBeGreaterThan(soonMs - 5);
      await client.ended();
      expect(offered).toBe(1);
      expect(await settled(site)).toMatchObject({ forwarded: 1, aborted: 0 });
    });

    it("does so on a connection that has served a request before, too", async () => {
      await using site = await open(framework, beside(ignore, { options: { handshakeTimeoutMs: soonMs } }));
      const request = "GET /unknown HTTP/1.1\r\nHost: localhost\r\n\r\n";
      using client = await RawClient.connect(site.port, request);
      const { body } = await client.response();
      client.socket.write(handshake({ target: "/unknown" }));
      expect(await within(atOnceMs, client.response())).toMatchObject({ status: 404, body });
      await client.ended();
    });

    it("gives a catch-all's page in the same way", async () => {
      const options = { handshakeTimeoutMs: soonMs };
      await using site = await open(framework, beside(ignore, { options, page: "<!doctype html>" }));
      using client = await RawClient.connect(site.port, handshake({ target: "/unknown" }));
      expect(await client.response()).toMatchObject({ status: 200, body: "<!doctype html>" });
      await client.ended();
    });

    it("keeps nothing of a client that leaves meanwhile", async () => {
      let offered = (): void => {};
      const isOffered = new Promise<void>((resolve) => {
        offered = resolve;
      });
      await using site = await open(framework, beside(offered));
      using client = await RawClient.connect(site.port, handshake({ target: "/unknown" }));
      await within(atOnceMs, isOffered);
      client.reset();
      expect(await settled(site)).toMatchObject({ forwarded: 1, aborted: 0 });
    });
  });

  describe("writes a refusal of its own at once:", () => {
    const test = isHttp ? it : it;
    test.each([401, 302, 429, 500])("%s by middleware", async (status) => {
      let offered = 0;
      const guard = async () => ({ status, headers: { "X-By": "guard" }, body: "not so" });
      await using site = await open(
        framework,
        beside(() => offered++, { guard }),
      );
      using client = await RawClient.connect(site.port, handshake({ target: "/chat" }));
      const response = await within(atOnceMs, client.response());
      expect(response).toMatchObject({ status, headers: { "x-by": "guard" }, body: "not so" });
      await client.ended();
      expect(offered).toBe(0);
      expect(await settled(site)).toMatchObject({ forwarded: 0, refused: { framework: 1 } });
    });

    it.each([200, 404, 403])("%s by the upgrade hook", async (status) => {
      let offered = 0;
      const hooks = { upgrade: () => new Response("not so", { status }) };
      await using site = await open(
        framework,
        beside(() => offered++, { parts: [{ path: "/chat", hooks }] }),
      );
      using client = await RawClient.connect(site.port, handshake({ target: "/chat" }));
      expect(await within(atOnceMs, client.response())).toMatchObject({ status, body: "not so" });
      expect(offered).toBe(0);
      expect(await settled(site)).toMatchObject({ forwarded: 0, refused: { hook: 1 } });
    });

    it("403 for a foreign origin on our route; the neighbour's origins are its own affair", async () => {
      await using site = await open(framework, beside(echoAfter(0), { options: { onError: () => {} } }));
      const headers = { Origin: "https://elsewhere.example" };
      using client = await RawClient.connect(site.port, handshake({ target: "/chat", headers }));
      expect((await within(atOnceMs, client.response())).status).toBe(403);
      using theirs = await RawClient.connect(site.port, handshake({ target: "/theirs", headers }));
      expect((await within(atOnceMs, theirs.response())).status).toBe(101);
    });
  });

  describe("that takes its time", () => {
    it("leaves it the 50 ms it needs to accept, and the connection afterwards", async () => {
      const options = { handshakeTimeoutMs: 150 };
      await using site = await open(framework, beside(echoAfter(50), { options }));
      await using client = await Client.open(site.url("/theirs"));
      client.send("one");
      expect(await client.next()).toBe("theirs: one");
      await pause(150); // Past the time-out.
      client.send("two");
      expect(await client.next()).toBe("theirs: two");
      await converse(site.url("/chat"));
    });

    it("leaves it the 50 ms it needs to refuse: the client gets its answer alone", async () => {
      const refuse: Listener = (_request, socket) =>
        void setTimeout(() => socket.end("HTTP/1.1 403 Theirs\r\nContent-Length: 2\r\n\r\nno"), 50);
      await using site = await open(framework, beside(refuse, { options: { handshakeTimeoutMs: 150 } }));
      using client = await RawClient.connect(site.port, handshake({ target: "/theirs" }));
      expect(await client.response()).toMatchObject({ status: 403, reason: "Theirs", body: "no" });
      expect(await client.ended()).toBe("");
      await settled(site);
    });
  });

  it("passes on the frames that came with the handshake, and those that came during middleware", async () => {
    let arrived = (): void => {};
    const frames = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const guard = () => frames.then(() => undefined);
    await using site = await open(framework, beside(echoAfter(0), { guard }));
    const early = Buffer.concat([Buffer.from(handshake({ target: "/theirs" })), frame("with it")]);
    using client = await RawClient.connect(site.port, early);
    client.socket.write(frame("during middleware"), arrived);
    expect((await client.response()).status).toBe(101);
    const texts = [await client.frame(), await client.frame()].map(({ payload }) => payload.toString());
    expect(texts).toEqual(["theirs: with it", "theirs: during middleware"]);
  });

  describe("whose handshakes are not ours to refuse", () => {
    it("does not count them for maxPeers", async () => {
      await using site = await open(framework, beside(echoAfter(0), { options: { maxPeers: 1 } }));
      await using ours = await Client.open(site.url("/chat"));
      using late = await RawClient.connect(site.port, handshake({ target: "/chat" }));
      expect((await late.response()).status).toBe(503);
      await using theirs = await Client.open(site.url("/theirs"));
      theirs.send("one");
      expect(await theirs.next()).toBe("theirs: one");
      ours.send("one");
      expect(await ours.next()).toBe("ours: one");
    });

    it("goes on while our instance closes, when our route answers 503, and has the server for itself after that", async () => {
      await using site = await open(framework, beside(echoAfter(0), { options: { closeTimeoutMs: 0 } }));
      using lasting = await RawClient.connect(site.port, handshake({ target: "/chat" }));
      await lasting.response();
      const closed = site.spry.close();
      await lasting.closeFrame(); // Which it does not answer yet.
      using late = await RawClient.connect(site.port, handshake({ target: "/chat" }));
      expect((await late.response()).status).toBe(503);
      await using theirs = await Client.open(site.url("/theirs"));
      theirs.send("one");
      expect(await theirs.next()).toBe("theirs: one");
      lasting.socket.write(closeFrame(1001));
      await closed;
      await using next = await Client.open(site.url("/chat"));
      next.send("one");
      expect(await next.next()).toBe("theirs: one");
    });
  });
});
