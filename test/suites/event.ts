import {
  type Event,
  getClientAddress,
  setClientAddress,
  useHeaders,
  useParam,
  useParams,
  useRequest,
  useRequestURI,
  useSubprotocolToken,
} from "@spry-ws/core";
import { describe, expect, it } from "vitest";
import type { Adapter } from "../fixtures/adapter.ts";
import { type HandshakeText, handshake, RawClient } from "../fixtures/raw.ts";
import { serve } from "../fixtures/serve.ts";

export function eventSuite(adapter: Adapter): void {
  /** What `read` gives in the upgrade hook of a route, for one handshake. */
  async function inUpgrade<T>(
    read: (event: Event) => T,
    request: HandshakeText = {},
    { path = "/", trustProxy = false } = {},
  ): Promise<T> {
    let seen: T | undefined;
    const hooks = {
      upgrade(event: Event) {
        seen = read(event);
      },
    };
    await using app = await serve(adapter, { routes: { [path]: { hooks } }, trustProxy });
    using client = await RawClient.connect(app.port, handshake(request));
    expect((await client.response()).status).toBe(101);
    return seen as T;
  }

  describe("composables", () => {
    it("gives the URL as the client asked for it, with a query of any form (C10)", async () => {
      const target = "/chat?x=1?y=2&z=3&e=%C3%A4";
      const url = await inUpgrade(
        useRequestURI,
        { target, headers: { Host: "example.org:8080" } },
        { path: "/chat" },
      );
      expect(url.href).toBe("http://example.org:8080/chat?x=1?y=2&z=3&e=%C3%A4");
    });

    it("gives the request as a WHATWG Request, and headers, built once", async () => {
      const headers = { Cookie: "a=1; b=2", "X-Twice": ["one", "two"], Host: "example.org" };
      const [request, again, twice] = await inUpgrade(
        (event) => [useRequest(event), useRequest(event), useHeaders(event).get("x-twice")] as const,
        { target: "/?q=1", headers },
      );
      expect(again).toBe(request);
      expect(twice).toBe("one, two");
      expect(request).toBeInstanceOf(Request);
      expect([request.method, request.url]).toEqual(["GET", "http://example.org/?q=1"]);
      expect(request.headers.get("cookie")).toBe("a=1; b=2");
    });

    it("gives the framework's own object", async () => {
      expect(await inUpgrade((event) => adapter.nativePath(event))).toBe("/");
    });

    it("lets an adapter or a proxy protocol set the client's address", async () => {
      const address = await inUpgrade((event) => {
        setClientAddress(event, "198.51.100.1:4711");
        return getClientAddress(event);
      });
      expect(address).toBe("198.51.100.1:4711");
    });

    it("reads a browser's token from the list of subprotocols, beside the real one", async () => {
      const headers = { "Sec-WebSocket-Protocol": "chat.v2, bearer.abc.def, chat.v1" };
      const read = (event: Event) => [useSubprotocolToken(event), useSubprotocolToken(event, "token-")];
      expect(await inUpgrade(read, { headers })).toEqual([
        { token: "abc.def", protocol: "chat.v2" },
        { token: undefined, protocol: "chat.v2" },
      ]);
      expect(await inUpgrade((event) => useSubprotocolToken(event))).toEqual({
        token: undefined,
        protocol: undefined,
      });
    });

    it("says what it takes where it is given something else", async () => {
      expect(() => useHeaders({} as Event)).toThrow(
        /useHeaders\(event\) takes the event of the upgrade hook/,
      );
    });

    it("has empty params where the route has none", async () => {
      expect({ ...(await inUpgrade(useParams)) }).toEqual({});
      expect(await inUpgrade((event) => useParam(event, "room"))).toBeUndefined();
    });

    it("does not believe X-Forwarded-* without the framework's trust-proxy setting (D4)", async () => {
      const headers = {
        "X-Forwarded-For": "203.0.113.7",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.example",
      };
      const read = (event: Event) => [useRequestURI(event).href, getClientAddress(event)];
      const [url, address] = await inUpgrade(read, { headers });
      expect(url).toBe("http://localhost/");
      expect(address).toMatch(/^127\.0\.0\.1:\d+$/);
    });

    if (!adapter.hasFramework) return;

    it("gives the route's params, decoded as the framework does (C10)", async () => {
      const read = (event: Event) => [useParam(event, "room"), { ...useParams(event) }];
      const params = await inUpgrade(read, { target: "/rooms/caf%C3%A9?x=1" }, { path: "/rooms/:room" });
      expect(params).toEqual(["café", { room: "café" }]);
    });

    it.each([
      ["wss", "https://localhost/"],
      ["WSS", "https://localhost/"],
      ["HTTPS", "https://localhost/"],
      ["ws", "http://localhost/"],
    ])("takes %s of X-Forwarded-Proto for the scheme it is", async (protocol, url) => {
      const headers = { "X-Forwarded-Proto": protocol };
      const read = (event: Event) => useRequestURI(event).href;
      expect(await inUpgrade(read, { headers }, { trustProxy: true })).toBe(url);
    });

    it.each([
      ["203.0.113.7:4711", "203.0.113.7"],
      ["[2001:db8::7]:4711", "2001:db8::7"],
      ["[2001:db8::7]", "2001:db8::7"],
      ["2001:db8::7", "2001:db8::7"],
      ["::ffff:203.0.113.7", "203.0.113.7"],
      ["[::ffff:203.0.113.7]:4711", "203.0.113.7"],
    ])("gives the address alone for %s in X-Forwarded-For", async (forwarded, address) => {
      const headers = { "X-Forwarded-For": forwarded };
      expect(await inUpgrade(getClientAddress, { headers }, { trustProxy: true })).toBe(address);
    });

    it("believes X-Forwarded-* with the framework's trust-proxy setting; then there is no port (D4)", async () => {
      const headers = {
        "X-Forwarded-For": "203.0.113.7",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "chat.example",
      };
      const read = (event: Event) => [useRequestURI(event).href, getClientAddress(event)];
      expect(await inUpgrade(read, { headers }, { trustProxy: true })).toEqual([
        "https://chat.example/",
        "203.0.113.7",
      ]);
    });
  });

  describe("strange targets (A3)", () => {
    it.each([
      ["//", "/", "http://localhost//"],
      ["http://other.example/chat?a=1", "/chat", "http://other.example/chat?a=1"],
    ])("gives %s to the route that a plain GET goes to, and the right URL", async (target, path, url) => {
      const seen: string[] = [];
      const upgrade = (event: Event) => void seen.push(useRequestURI(event).href);
      await using app = await serve(adapter, { routes: { [path]: { hooks: { upgrade }, text: "page" } } });
      using plain = await RawClient.connect(
        app.port,
        `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      );
      const { status } = await plain.response();
      using client = await RawClient.connect(app.port, handshake({ target }));
      expect((await client.response()).status).toBe(status === 200 ? 101 : status);
      expect(seen).toEqual(status === 200 ? [url] : []);
    });
  });
}
