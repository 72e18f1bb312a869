import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { describe, expect, it } from "vitest";
import { type ClientOptions, WebSocket } from "ws";
import { Client } from "../fixtures/client.ts";
import { apps } from "./apps.ts";
import { documented, missingNginx, type Nginx, startNginx } from "./nginx.ts";

const host = "app.example";

/** What a browser on a page of the site sends. */
const browser: ClientOptions = {
  origin: `https://${host}`,
  headers: { Host: host },
  rejectUnauthorized: false,
};

const open = (nginx: Nginx, options: ClientOptions = browser) => Client.open(nginx.url("/chat?a=1"), options);

/** The response that refuses a handshake. */
async function refusal(
  nginx: Nginx,
  path: string,
  options: ClientOptions,
): Promise<IncomingMessage & { body: string }> {
  const socket = new WebSocket(nginx.url(path), options);
  const [, response] = (await once(socket, "unexpected-response")) as [unknown, IncomingMessage];
  const chunks: Buffer[] = await response.toArray();
  return Object.assign(response, { body: Buffer.concat(chunks).toString() });
}

describe.skipIf(missingNginx()).each(Object.entries(apps))(
  "%s behind nginx as docs/guide/deployment.md has it",
  (_, serve) => {
    it("echoes text and bytes, and passes on cookies and close codes", async () => {
      await using app = await serve({});
      await using nginx = await startNginx(documented(), app.port);
      await using client = await open(nginx);
      await client.next();
      expect((await client.response).headers["set-cookie"]).toEqual(["seen=1"]);
      client.send("hello");
      expect(await client.next()).toBe("hello");
      const bytes = Buffer.alloc(500_000, "bytes");
      client.send(bytes);
      expect(bytes.equals((await client.next()) as Buffer)).toBe(true);
      await app[Symbol.asyncDispose]();
      expect(await client.closed).toEqual({ code: 1001, reason: "" });
    });

    // Another address than that of nginx; Linux has all of 127.0.0.0/8.
    it.runIf(process.platform === "linux")(
      "sees the client's address, scheme and host, whatever the client says",
      async () => {
        await using app = await serve({});
        await using nginx = await startNginx(documented(), app.port);
        const forged = {
          "X-Forwarded-For": "203.0.113.9",
          "X-Forwarded-Host": "evil.example",
          "X-Forwarded-Proto": "ftp",
        };
        await using client = await open(nginx, {
          ...browser,
          headers: { Host: `${host}:8443`, ...forged },
          origin: "",
          localAddress: "127.0.0.2",
        });
        expect(JSON.parse(String(await client.next()))).toEqual({
          uri: `https://${host}:8443/chat?a=1`,
          address: "127.0.0.2",
        });
      },
    );

    it("lets in pages of the site, and refuses others with 403", async () => {
      await using app = await serve({ onError: () => {} });
      await using nginx = await startNginx(documented(), app.port);
      await using client = await open(nginx);
      await client.next();
      const foreign = await refusal(nginx, "/chat", { ...browser, origin: "https://evil.example" });
      expect(foreign.statusCode).toBe(403);
      const otherPort = await refusal(nginx, "/chat", { ...browser, origin: `https://${host}:8443` });
      expect(otherPort.statusCode).toBe(403);
    });

    it("refuses every page where the line with Host is missing", async () => {
      await using app = await serve({ onError: () => {} });
      const without = documented().replace(/^.*proxy_set_header (?:X-Forwarded-)?Host .*\n/gm, "");
      await using nginx = await startNginx(without, app.port);
      expect((await refusal(nginx, "/chat", browser)).statusCode).toBe(403);
    });

    it("passes on a refusal whole", async () => {
      await using app = await serve({});
      await using nginx = await startNginx(documented(), app.port);
      const response = await refusal(nginx, "/chat?stranger", browser);
      expect([response.statusCode, response.headers["x-why"], response.body]).toEqual([
        401,
        "unknown",
        "who are you?",
      ]);
      expect((await refusal(nginx, "/nowhere", browser)).statusCode).toBe(404);
    });

    it("keeps a silent connection, as the heartbeat is shorter than proxy_read_timeout", async () => {
      await using app = await serve({ heartbeat: { intervalMs: 250, timeoutMs: 500 } });
      const impatient = documented().replace("proxy_read_timeout 90s", "proxy_read_timeout 1s");
      await using nginx = await startNginx(impatient, app.port);
      await using client = await open(nginx);
      // Ten pings take more than a second.
      for (let pings = 0; pings < 10; pings++) await once(client.socket, "ping");
      client.send("still here");
      await client.next();
      expect(await client.next()).toBe("still here");
    });

    it("loses a silent connection to proxy_read_timeout without a heartbeat", async () => {
      await using app = await serve({ heartbeat: false });
      const impatient = documented().replace("proxy_read_timeout 90s", "proxy_read_timeout 1s");
      await using nginx = await startNginx(impatient, app.port);
      await using client = await open(nginx);
      expect((await client.closed).code).toBe(1006);
    });
  },
);
