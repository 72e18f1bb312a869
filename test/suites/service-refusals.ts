import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { defineContract } from "@spry-ws/contract";
import type { SpryWsOptions } from "@spry-ws/core";
import { createService, type ServiceImplementation } from "@spry-ws/service";
import { describe, expect, it } from "vitest";
import type { Adapter, GuardRefusal, Route } from "../fixtures/adapter.ts";
import { Client } from "../fixtures/client.ts";
import { Deferred } from "../fixtures/deferred.ts";
import { frame, handshake, RawClient } from "../fixtures/raw.ts";
import { serve } from "../fixtures/serve.ts";
import { WireClient } from "../fixtures/wire-client.ts";

const contract = defineContract({});
const offer = { "Sec-WebSocket-Protocol": "spry.v1, bearer.abc" };

interface Setting extends Pick<ServiceImplementation<typeof contract, undefined>, "upgrade"> {
  readonly guard?: () => GuardRefusal | Promise<GuardRefusal | undefined>;
  readonly options?: SpryWsOptions;
  readonly routes?: Readonly<Record<string, Route>>;
}

/** A service at `/live`, and the calls of its hooks. */
async function serveService(adapter: Adapter, { upgrade, guard, options, routes }: Setting = {}) {
  const calls: string[] = [];
  const live: Route = { hooks: () => service, text: "plain", ...(guard && { guard }) };
  const app = await serve(adapter, { routes: { "/live": live, ...routes }, ...(options && { options }) });
  const service = createService(app.spry, contract, {
    upgrade: upgrade ?? (() => undefined),
    open: () => void calls.push("open"),
    close: () => void calls.push("close"),
  });
  return {
    app,
    calls,
    url: app.url("/live"),
    /** The status of the answer to a handshake with these headers, and what follows. */
    async ask(headers: Readonly<Record<string, string>> = offer, target = "/live") {
      using client = await RawClient.connect(app.port, handshake({ target, headers }));
      const { status, body } = await client.response();
      const shown = status === 101 ? await client.closeFrame() : undefined;
      return shown ? { status, ...shown } : { status, body };
    },
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
}

/** What a page learns, which has no more of a connection than its end. */
async function endOf(url: string): Promise<{ code: number; reason: string }> {
  await using client = await WireClient.connect(url, ["spry.v1", "bearer.abc"]);
  expect(client.socket.protocol).toBe("spry.v1");
  return client.closed;
}

const unauthorized = () => ({ status: 401, headers: { "WWW-Authenticate": "Bearer" }, body: "log in first" });

/** Refusals, as a client of a service sees them. */
export function serviceRefusalsSuite(adapter: Adapter): void {
  describe("a refusal", () => {
    it("by middleware is shown as the close code 4000 and its status, and counts as a refusal alone", async () => {
      const refused: unknown[] = [];
      const listener = (message: unknown) => void refused.push(Object(message).reason);
      subscribe("spry-ws:refused", listener);
      await using live = await serveService(adapter, { guard: unauthorized });
      expect(await endOf(live.url)).toEqual({ code: 4401, reason: "Unauthorized" });
      await live.app.disconnected();
      unsubscribe("spry-ws:refused", listener);
      expect(refused).toEqual(["framework"]);
      expect(live.app.spry.metrics()).toMatchObject({ accepted: 0, peers: 0, pendingHandshakes: 0 });
      expect(live.app.spry.metrics().refused.framework).toBe(1);
      expect(live.calls).toEqual([]);
      expect(live.app.logged).toEqual([]);
    });

    it.each(["returned", "thrown"])("by a Response that upgrade has %s is shown", async (how) => {
      const response = () => new Response("secret", { status: 403, statusText: "Not Today" });
      const upgrade = () => {
        if (how === "thrown") throw response();
        return response();
      };
      await using live = await serveService(adapter, { upgrade });
      expect(await endOf(live.url)).toEqual({ code: 4403, reason: "Not Today" });
      expect(live.app.spry.metrics()).toMatchObject({ accepted: 0, refused: { hook: 1 } });
      expect(live.calls).toEqual([]);
    });

    it("by an error says nothing of the error", async () => {
      const upgrade = async () => {
        throw new Error("no database");
      };
      await using live = await serveService(adapter, { upgrade });
      expect(await endOf(live.url)).toEqual({ code: 4500, reason: "Internal Server Error" });
      expect(live.app.logged).toMatchObject([{ message: "no database" }]);
    });

    it.each<[option: string, code: number, reason: string]>([
      ["maxPeers", 4503, "Too many connections"],
      ["maxPeersPerAddress", 4429, "Too many connections from your address"],
    ])("by %s is shown, and takes the place of nobody", async (option, code, reason) => {
      await using live = await serveService(adapter, { options: { [option]: 1 } });
      const first = await WireClient.connect(live.url);
      expect(await endOf(live.url)).toEqual({ code, reason });
      expect(await endOf(live.url)).toEqual({ code, reason });
      await first[Symbol.asyncDispose]();
      await live.app.disconnected();
      await using second = await WireClient.connect(live.url);
      expect(second.socket.readyState).toBe(second.socket.OPEN);
      expect(live.app.spry.metrics()).toMatchObject({ accepted: 2, peers: 1, refused: { [option]: 2 } });
    });

    it("of a handshake that takes too long is shown", async () => {
      const gate = new Deferred();
      const upgrade = () => gate.promise.then(() => undefined);
      await using live = await serveService(adapter, { upgrade, options: { handshakeTimeoutMs: 20 } });
      expect(await endOf(live.url)).toEqual({ code: 4408, reason: "The handshake took too long" });
      gate.resolve();
    });

    it("of a server that ends is shown", async () => {
      const [gate, asked] = [new Deferred(), new Deferred()];
      const upgrade = () => {
        asked.resolve();
        return gate.promise.then(() => undefined);
      };
      await using live = await serveService(adapter, { upgrade });
      const end = endOf(live.url);
      await asked.promise;
      const closed = live.app.spry.close();
      expect(await end).toEqual({ code: 4503, reason: "The server is shutting down" });
      await closed;
      gate.resolve();
    });

    it("with a text that no close frame can carry has that of its status", async () => {
      const upgrade = () => new Response(null, { status: 402, statusText: "x".repeat(124) });
      await using live = await serveService(adapter, { upgrade });
      expect(await endOf(live.url)).toEqual({ code: 4402, reason: "Payment Required" });
    });

    it("because no route is there is shown", async () => {
      await using live = await serveService(adapter);
      expect((await endOf(live.app.url("/elsewhere"))).code).toBe(4404);
    });

    it.each<[retryAfter: () => string, status: number, ms: number]>([
      [() => "7", 503, 7_000],
      [() => new Date(Date.now() + 60_000).toUTCString(), 429, 60_000],
      [() => "0", 500, 0],
    ])("with a Retry-After tells when to come back: %s", async (retryAfter, status, ms) => {
      const guard = () => ({ status, headers: { "Retry-After": retryAfter() } });
      await using live = await serveService(adapter, { guard });
      await using client = await WireClient.connect(live.url, ["spry.v1"]);
      const { code, reason } = await client.closed;
      const [kind, afterMs, ...shown] = await client.frames.next();
      expect([kind, ...shown]).toEqual(["b", code, reason]);
      expect(afterMs).toBeLessThanOrEqual(ms);
      expect(afterMs).toBeGreaterThanOrEqual(Math.max(0, ms - 10_000));
    });

    it.each<[retryAfter: string, status: number]>([
      ["soon", 503],
      ["-1", 503],
      ["7", 403],
      ["7", 401],
    ])("tells nothing of a Retry-After %s with %i", async (retryAfter, status) => {
      const guard = () => ({ status, headers: { "Retry-After": retryAfter } });
      await using live = await serveService(adapter, { guard });
      await using client = await WireClient.connect(live.url, ["spry.v1"]);
      expect((await client.closed).code).toBe(4000 + status);
      expect(client.frames.waiting).toEqual([]);
    });

    it("by a bound of the server tells when to come back", async () => {
      await using live = await serveService(adapter, { options: { maxPeers: 1 } });
      await using _first = await WireClient.connect(live.url);
      await using client = await WireClient.connect(live.url);
      await client.closed;
      expect(await client.frames.next()).toEqual(["b", 10_000, 4503, "Too many connections"]);
    });

    it("ends a connection whose client does not answer", async () => {
      await using live = await serveService(adapter, { guard: unauthorized });
      const hello = frame(JSON.stringify(["h", "0123456789abcdef", []]));
      const text = handshake({ target: "/live", headers: offer });
      using client = await RawClient.connect(live.app.port, Buffer.concat([Buffer.from(text), hello]));
      expect((await client.response()).status).toBe(101);
      expect(await client.closeFrame()).toEqual({ code: 4401, reason: "Unauthorized" });
      expect(await client.ended()).toBe("");
      await live.app.disconnected();
    });
  });

  describe("a refusal stays an HTTP answer", () => {
    it("where it is no error", async () => {
      const guard = () => ({ status: 302, headers: { Location: "/login" } });
      await using live = await serveService(adapter, { guard });
      expect((await live.ask()).status).toBe(302);
    });

    it("for clients that do not offer the subprotocol, and for those that want no WebSocket", async () => {
      await using live = await serveService(adapter, { guard: unauthorized });
      await expect(Client.open(live.url)).rejects.toThrow("401");
      await expect(Client.open(live.url, { protocols: ["spry.v2"] })).rejects.toThrow("401");
      const plain = await fetch(live.url.replace("ws", "http"), {
        headers: { ...offer, Connection: "close" },
      });
      expect([plain.status, plain.headers.get("www-authenticate"), await plain.text()]).toEqual([
        401,
        "Bearer",
        "log in first",
      ]);
    });

    it("where the instance has no service, or the route is none's", async () => {
      const raw: Route = { hooks: { upgrade: () => new Response("raw", { status: 403 }) } };
      const given: Route = { hooks: () => ({ upgrade: () => new Response("raw", { status: 403 }) }) };
      await using live = await serveService(adapter, { routes: { "/raw": raw, "/given": given } });
      expect(await live.ask(offer, "/raw")).toEqual({ status: 403, body: "raw" });
      expect(await live.ask(offer, "/given")).toEqual({ status: 403, body: "raw" });
      await using other = await serve(adapter, {
        routes: { "/live": { hooks: {}, guard: unauthorized } },
      });
      await expect(WireClient.connect(other.url("/live"))).rejects.toThrow("401");
    });

    it("where it is no handshake that could be accepted, or the path is not the instance's", async () => {
      await using live = await serveService(adapter, { options: { path: "/live" } });
      expect((await live.ask({ ...offer, "Sec-WebSocket-Version": "8" })).status).toBe(426);
      expect((await live.ask(offer, "/elsewhere")).status).toBe(404);
    });

    const foreign = { ...offer, Host: "chat.example", Origin: "https://evil.example" };
    it("where the origin is foreign, whoever refuses", async () => {
      await using open = await serveService(adapter);
      expect((await open.ask(foreign)).status).toBe(403);
      expect(open.app.spry.metrics().refused.origin).toBe(1);
      // It would tell another site's page whether its user is logged in.
      await using guarded = await serveService(adapter, { guard: unauthorized });
      expect((await guarded.ask(foreign)).status).toBe(401);
      await using byFunction = await serveService(adapter, {
        guard: unauthorized,
        options: { origin: () => true },
      });
      expect((await byFunction.ask(foreign)).status).toBe(401);
    });

    it("and is shown where the origin is one's own", async () => {
      const origin = ["same", "https://app.example"];
      await using live = await serveService(adapter, { guard: unauthorized, options: { origin } });
      const shown = { status: 101, code: 4401, reason: "Unauthorized" };
      const host = { ...offer, Host: "chat.example" };
      expect(await live.ask({ ...host, Origin: "https://chat.example" })).toEqual(shown);
      expect(await live.ask({ ...host, Origin: "https://app.example" })).toEqual(shown);
      // A proxy that replaces the host.
      const proxied = { ...offer, Host: "inner:3000", "X-Forwarded-Host": "chat.example" };
      expect(await live.ask({ ...proxied, Origin: "https://chat.example" })).toEqual(shown);
    });
  });
}
