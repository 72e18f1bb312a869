import type { Hooks } from "@spry-ws/core";
import { describe, expect, it } from "vitest";
import type { Adapter, Route } from "../fixtures/adapter.ts";
import { Client } from "../fixtures/client.ts";
import { handshake, RawClient } from "../fixtures/raw.ts";
import { serve } from "../fixtures/serve.ts";

export function noticesSuite(adapter: Adapter): void {
  const statusOf = async (port: number, target: string): Promise<number> => {
    using client = await RawClient.connect(port, handshake({ target }));
    return (await client.response()).status;
  };

  describe("what nobody would notice otherwise is logged once for each path:", () => {
    it("an ordinary route that answers a handshake as if all were well", async () => {
      await using app = await serve(adapter, { routes: { "/page": { text: "page" } } });
      for (let i = 0; i < 2; i++) expect(await statusOf(app.port, "/page?token=secret")).toBe(200);
      const [error, ...others] = app.logged as Error[];
      expect(error).toMatchObject({
        code: "SPRY_WS_UNROUTED",
        message: expect.stringMatching(/handshake for \/page was answered with 200 .*await app\.register/),
      });
      expect(error?.message).not.toContain("secret");
      expect(others).toEqual([]);
    });

    it("and for ten of them at most", async () => {
      const paths = Array.from({ length: 12 }, (_, i) => `/page-${i}`);
      const routes = Object.fromEntries(paths.map((path): [string, Route] => [path, { text: "page" }]));
      await using app = await serve(adapter, { routes });
      for (const path of paths) expect(await statusOf(app.port, path)).toBe(200);
      expect(app.logged).toHaveLength(10);
    });

    it("but no refusal, and no success that the upgrade hook means", async () => {
      const hooks: Hooks = { upgrade: () => new Response("as I say", { status: 200 }) };
      const guard = () => ({ status: 401 });
      await using app = await serve(adapter, { routes: { "/": { hooks }, "/private": { hooks, guard } } });
      expect(await statusOf(app.port, "/")).toBe(200);
      expect(await statusOf(app.port, "/private")).toBe(401);
      expect(await statusOf(app.port, "/unknown")).toBe(404);
      expect(app.logged).toEqual([]);
    });

    it("middleware that neither answers nor passes on a handshake", async () => {
      const never = new Promise<undefined>(() => {});
      await using app = await serve(adapter, {
        routes: { "/": { hooks: {}, guard: () => never }, "/slow": { hooks: { upgrade: () => never } } },
        options: { handshakeTimeoutMs: 20 },
      });
      for (let i = 0; i < 2; i++) expect(await statusOf(app.port, "/")).toBe(408);
      expect(await statusOf(app.port, "/slow")).toBe(408);
      expect(app.logged).toMatchObject([
        {
          code: "SPRY_WS_UNROUTED",
          message: expect.stringMatching(
            /handshake for \/ within 20 ms .*server\.on\("upgrade", proxy\.upgrade\)/,
          ),
        },
      ]);
    });

    it("subprotocols of which none was selected, as browsers fail such a connection", async () => {
      const hooks: Hooks = { open: (peer) => peer.send(peer.protocol) };
      await using app = await serve(adapter, { routes: { "/chat": { hooks } } });
      const headers = { "Sec-WebSocket-Protocol": "v1, bearer.secret" };
      for (let i = 0; i < 2; i++) {
        using client = await RawClient.connect(app.port, handshake({ target: "/chat?key=secret", headers }));
        expect((await client.response()).status).toBe(101);
      }
      const [error, ...others] = app.logged as Error[];
      expect(error).toMatchObject({
        code: "SPRY_WS_SUBPROTOCOL",
        message: expect.stringMatching(/subprotocols for \/chat, .* Return \{ protocol \}/),
      });
      expect(error?.message).not.toContain("secret");
      expect(others).toEqual([]);
    });

    it("and no subprotocol that was selected, or offered in vain to a route that refuses", async () => {
      const selects: Hooks = { upgrade: () => ({ protocol: "v1" }) };
      const refuses: Hooks = { upgrade: () => new Response(null, { status: 401 }) };
      await using app = await serve(adapter, {
        routes: { "/": { hooks: selects }, "/no": { hooks: refuses } },
      });
      await using client = await Client.open(app.url("/"), { protocols: ["v0", "v1"] });
      expect(client.socket.protocol).toBe("v1");
      await expect(Client.open(app.url("/no"), { protocols: ["v1"] })).rejects.toThrow("401");
      await using without = await Client.open(app.url("/"), { protocols: ["v1"] });
      expect(without.socket.protocol).toBe("v1");
      expect(app.logged).toEqual([]);
    });
  });
}
