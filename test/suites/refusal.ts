import { describe, expect, it } from "vitest";
import type { Adapter, GuardRefusal } from "../fixtures/adapter.ts";
import { handshake, RawClient } from "../fixtures/raw.ts";
import { Recorder } from "../fixtures/recorder.ts";
import { serve } from "../fixtures/serve.ts";

export function refusalSuite(adapter: Adapter): void {
  describe("refusing", () => {
    it.each<GuardRefusal>([
      { status: 401, headers: { "WWW-Authenticate": "Bearer" }, body: "log in first" },
      { status: 302, headers: { Location: "/login" } },
      { status: 200, headers: { "Content-Type": "application/json" }, body: '{"ok":true}' },
    ])("gives the answer of middleware whole, then ends the connection: $status (C1)", async (refusal) => {
      const recorder = new Recorder();
      const guard = async () => refusal;
      await using app = await serve(adapter, { routes: { "/chat": { hooks: recorder.hooks(), guard } } });
      using client = await RawClient.connect(app.port, handshake({ target: "/chat" }));
      const response = await client.response();
      expect(response.status).toBe(refusal.status);
      for (const [name, value] of Object.entries(refusal.headers ?? {})) {
        expect(response.headers[name.toLowerCase()]).toContain(value);
      }
      expect(response.body).toBe(refusal.body ?? "");
      await client.ended();
      expect(recorder.calls).toEqual([]);
    });

    it("gives an exception of middleware to the framework's error handling", async () => {
      const guard = async () => {
        throw new Error("guard failed");
      };
      await using app = await serve(adapter, { routes: { "/chat": { hooks: {}, guard } } });
      using client = await RawClient.connect(app.port, handshake({ target: "/chat" }));
      expect((await client.response()).status).toBe(500);
      await client.ended();
      expect(app.logged).toMatchObject([{ message: "guard failed" }]);
    });

    it("lets a handshake pass that middleware lets pass", async () => {
      const recorder = new Recorder();
      const guard = async () => undefined;
      await using app = await serve(adapter, { routes: { "/chat": { hooks: recorder.hooks(), guard } } });
      using client = await RawClient.connect(app.port, handshake({ target: "/chat" }));
      expect((await client.response()).status).toBe(101);
      await recorder.until("open");
    });

    it.each(["returned", "thrown"])(
      "writes a %s Response with its status, reason, headers and body (C6)",
      async (how) => {
        const upgrade = async (): Promise<Response> => {
          const headers = new Headers({ "X-Reason": "quota" });
          headers.append("Set-Cookie", "a=1");
          headers.append("Set-Cookie", "b=2");
          const response = Response.json(
            { error: "quota" },
            { status: 403, statusText: "Not Today", headers },
          );
          if (how === "thrown") throw response;
          return response;
        };
        await using app = await serve(adapter, { routes: { "/": { hooks: { upgrade } } } });
        using client = await RawClient.connect(app.port, handshake());
        const response = await client.response();
        expect([response.status, response.reason]).toEqual([403, "Not Today"]);
        expect(response.headers["x-reason"]).toBe("quota");
        expect(response.headers["content-type"]).toBe(Response.json(0).headers.get("content-type"));
        expect(response.headers["content-length"]).toBe("17");
        expect(response.cookies).toEqual(["a=1", "b=2"]);
        expect(response.body).toBe('{"error":"quota"}');
        await client.ended();
        expect(app.logged).toEqual([]);
        expect(app.spry.peers.size).toBe(0);
      },
    );

    it("writes a Response without a body", async () => {
      const upgrade = () => new Response(null, { status: 401 });
      await using app = await serve(adapter, { routes: { "/": { hooks: { upgrade } } } });
      using client = await RawClient.connect(app.port, handshake());
      const response = await client.response();
      expect([response.status, response.reason, response.body]).toEqual([401, "Unauthorized", ""]);
      await client.ended();
    });

    it("streams a body that is not complete at once (C6)", async () => {
      const upgrade = () => {
        const chunks = ["one ", "two ", "three"];
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
      await using app = await serve(adapter, { routes: { "/": { hooks: { upgrade } } } });
      using client = await RawClient.connect(app.port, handshake());
      const response = await client.response();
      expect([response.status, response.body]).toEqual([409, "one two three"]);
      await client.ended();
    });

    it("ends the socket where a streamed body fails (C6)", async () => {
      const upgrade = () => {
        let pulls = 0;
        const body = new ReadableStream({
          async pull(controller) {
            await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
            if (pulls++ === 0) controller.enqueue(new TextEncoder().encode("begun"));
            else controller.error(new Error("body failed"));
          },
        });
        return new Response(body, { status: 409 });
      };
      await using app = await serve(adapter, { routes: { "/": { hooks: { upgrade } } } });
      using client = await RawClient.connect(app.port, handshake());
      // Without the last chunk, by which the client knows that something is missing.
      expect(await client.ended()).toMatch(/^HTTP\/1\.1 409 [\s\S]*\r\n\r\n5\r\nbegun\r\n$/);
      expect(app.spry.peers.size).toBe(0);
    });

    it("answers 500 where the body fails at once (C6)", async () => {
      const upgrade = () => {
        const body = new ReadableStream({
          start: (controller) => controller.error(new Error("body failed")),
        });
        return new Response(body, { status: 401 });
      };
      await using app = await serve(adapter, { routes: { "/": { hooks: { upgrade } } } });
      using client = await RawClient.connect(app.port, handshake());
      expect((await client.response()).status).toBe(500);
      expect(app.logged).toMatchObject([{ message: "body failed" }]);
    });

    it.each(["thrown", "rejected"])(
      "gives an exception of the upgrade hook, %s, to the framework's error handling",
      async (how) => {
        const upgrade = (): never | Promise<never> => {
          if (how === "rejected") return Promise.reject(new Error("no database"));
          throw new Error("no database");
        };
        await using app = await serve(adapter, { routes: { "/": { hooks: { upgrade } } } });
        using client = await RawClient.connect(app.port, handshake());
        const response = await client.response();
        expect(response.status).toBe(500);
        expect(response.body).not.toContain("no database");
        await client.ended();
        expect(app.logged).toMatchObject([{ message: "no database" }]);
      },
    );
  });
}
