import type { OriginPolicy } from "@spry-ws/core";
import { describe, expect, it } from "vitest";
import type { Adapter } from "../fixtures/adapter.ts";
import { handshake, RawClient } from "../fixtures/raw.ts";
import { Recorder } from "../fixtures/recorder.ts";
import { serve } from "../fixtures/serve.ts";

interface Case {
  readonly origin?: string | null;
  readonly host?: string;
  readonly forwardedHost?: string;
  readonly trustProxy?: boolean;
  readonly policy?: OriginPolicy;
  readonly allowed: boolean;
}

export function originSuite(adapter: Adapter): void {
  const cases: Case[] = [
    { origin: null, allowed: true },
    { origin: "http://chat.example", allowed: true },
    { origin: "https://chat.example", allowed: true },
    { origin: "https://CHAT.example", allowed: true },
    { origin: "https://chat.example", host: "chat.example:443", allowed: true },
    { origin: "https://chat.example:8443", host: "chat.example:8443", allowed: true },
    { origin: "https://evil.example", allowed: false },
    { origin: "https://sub.chat.example", allowed: false },
    { origin: "http://chat.example:8080", allowed: false },
    { origin: "null", allowed: false },
    { origin: "file://", allowed: false },
    { origin: "http://localhost:5173", host: "localhost:3000", allowed: true },
    { origin: "http://localhost:5173", host: "127.0.0.1:3000", allowed: true },
    { origin: "http://[::1]:5173", host: "app.localhost:3000", allowed: true },
    { origin: "http://localhost.evil.example", host: "localhost:3000", allowed: false },
    { origin: "http://localhost:5173", host: "chat.example", allowed: false },
    { origin: "https://public.example", host: "inner:3000", forwardedHost: "public.example", allowed: false },
    { origin: "https://evil.example", policy: "*", allowed: true },
    { origin: "https://app.example", policy: "https://app.example", allowed: true },
    { origin: "https://chat.example", policy: "https://app.example", allowed: false },
    { origin: "https://b.example", policy: ["same", /^https:\/\/[ab]\.example$/g], allowed: true },
    { origin: "https://chat.example", policy: ["same", "https://app.example"], allowed: true },
    { origin: "null", policy: ["null"], allowed: true },
    { origin: "https://c.example", policy: [/^https:\/\/[ab]\.example$/], allowed: false },
    { origin: "https://a.example", policy: async (origin) => origin.startsWith("https://a."), allowed: true },
    {
      origin: "https://b.example",
      policy: (origin, event) => event.get(origin) !== undefined,
      allowed: false,
    },
  ];
  if (adapter.hasFramework) {
    const forwarded = {
      origin: "https://public.example",
      host: "inner:3000",
      forwardedHost: "public.example",
    };
    cases.push({ ...forwarded, trustProxy: true, allowed: true });
    cases.push({ ...forwarded, origin: "http://inner:3000", trustProxy: true, allowed: false });
  }

  describe("origin (C12)", () => {
    it.each(cases)(
      "%o",
      async ({ origin = null, host = "chat.example", forwardedHost = null, trustProxy, policy, allowed }) => {
        const recorder = new Recorder();
        await using app = await serve(adapter, {
          routes: { "/": { hooks: recorder.hooks() } },
          options: policy === undefined ? {} : { origin: policy },
          trustProxy: trustProxy ?? false,
        });
        const headers = { Host: host, Origin: origin, "X-Forwarded-Host": forwardedHost };
        using client = await RawClient.connect(app.port, handshake({ headers }));
        const response = await client.response();
        expect(response.status).toBe(allowed ? 101 : 403);
        if (allowed) return;
        expect(recorder.calls).toEqual([]);
        expect(app.logged).toMatchObject([
          { code: "SPRY_WS_ORIGIN", message: expect.stringContaining(`origin: ["same", "${origin}"]`) },
        ]);
        expect(app.spry.metrics().refused.origin).toBe(1);
      },
    );

    it("logs a foreign origin once, so that it cannot fill the log", async () => {
      await using app = await serve(adapter, { routes: { "/": { hooks: {} } } });
      for (let i = 0; i < 3; i++) {
        using client = await RawClient.connect(
          app.port,
          handshake({ headers: { Origin: "https://evil.example" } }),
        );
        expect((await client.response()).status).toBe(403);
      }
      expect(app.logged).toHaveLength(1);
    });

    it("says what a policy returned that is neither true nor false, for which it would refuse everybody", async () => {
      const origin = (text: string) => text.match(/app/) as never;
      await using app = await serve(adapter, { routes: { "/": { hooks: {} } }, options: { origin } });
      const headers = { Origin: "https://app.example" };
      using client = await RawClient.connect(app.port, handshake({ headers }));
      expect((await client.response()).status).toBe(500);
      expect(app.logged).toMatchObject([
        { code: "SPRY_WS_OPTION", message: expect.stringMatching(/"origin" must return.*not an array/) },
      ]);
    });

    it("gives an exception of the policy to the framework's error handling", async () => {
      const origin = () => {
        throw new Error("policy failed");
      };
      await using app = await serve(adapter, { routes: { "/": { hooks: {} } }, options: { origin } });
      using client = await RawClient.connect(
        app.port,
        handshake({ headers: { Origin: "https://evil.example" } }),
      );
      expect((await client.response()).status).toBe(500);
      expect(app.logged).toMatchObject([{ message: "policy failed" }]);
    });
  });
}
