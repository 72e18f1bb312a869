import { createHmac } from "node:crypto";
import { type HooksSource, spryWs } from "@spry-ws/express";
import { connect, refused } from "@spry-ws/testing";
import express from "express";
import { afterEach, expect, it, vi } from "vitest";
import { expressFive } from "../adapters/express.ts";
import { listen } from "../fixtures/listen.ts";
import { serve } from "../fixtures/serve.ts";
import { browserSocket } from "./browser.ts";
import { describePage, type Run } from "./page.ts";

const ada = { id: "1", name: "Ada" };
const findUser = async (id: string | undefined) => (id === ada.id ? ada : undefined);

describePage("docs/guide/authentication.md", (recipe) => {
  afterEach(() => void vi.unstubAllEnvs());

  recipe("Sessions", (run) => {
    it("lets in who has logged in, and passes on what they say under their names", async () => {
      const app = express();
      app.use(spryWs());
      await run({ give: { app, findUser } });
      app.post("/login", (request, response) => {
        Object.assign(request.session, { userId: ada.id });
        response.sendStatus(204);
      });
      await using server = await listen(app);
      const response = await fetch(server.httpUrl("/login"), { method: "POST" });
      const headers = { cookie: response.headers.getSetCookie()[0]?.split(";")[0] ?? "" };
      expect((await refused(server.server, "/chat")).body).toBe("Log in first");
      await using first = await connect(server.server, "/chat", { headers });
      await using second = await connect(server.server, "/chat", { headers });
      await first.ping();
      second.send("hello");
      expect(await first.text()).toBe("Ada: hello");
    });
  });

  const secret = "a secret of at least 32 bytes, for HS256";
  /** A JWT as any issuer makes it (RFC 7519, HS256). */
  const tokenFor = (userId: string, lifetimeS: number): string => {
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const exp = Math.floor(Date.now() / 1_000) + lifetimeS;
    const signed = `${encode({ alg: "HS256" })}.${encode({ sub: userId, exp })}`;
    return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
  };
  const offer = (token: string) => ({ protocols: ["chat.v1", `bearer.${token}`] });
  const serveTokens = async (run: Run, name: "chat" | "longLived") => {
    vi.stubEnv("JWT_SECRET", secret);
    const { names } = await run<Record<string, HooksSource>>({ take: [name] });
    return serve(expressFive, { routes: { "/chat": { hooks: names[name] ?? {} } } });
  };

  let server: Run | undefined;
  recipe("Tokens from a browser 2", (run) => {
    server = run;
    it("lets in who has a token, and selects the other subprotocol", async () => {
      await using app = await serveTokens(run, "chat");
      await using client = await connect(app.server, "/chat", offer(tokenFor("ada", 60)));
      expect(client.protocol).toBe("chat.v1");
      for (const token of ["x", tokenFor("ada", -1)])
        expect((await refused(app.server, "/chat", offer(token))).status).toBe(401);
    });

    it("does not start without a secret", async () => {
      await expect(run()).rejects.toThrow("JWT_SECRET is not set");
    });
  });
  recipe("Tokens from a browser", (run) => {
    it("gives the page the subprotocol that it asked for", async () => {
      await using app = await serveTokens(server as Run, "chat");
      const page = await run<{ socket: WebSocket }>({
        give: { WebSocket: browserSocket(app.port) },
        take: ["socket"],
        replace: { "eyJhbGciOiJIUzI1NiJ9…": tokenFor("ada", 60) },
      });
      const { socket } = page.names;
      await new Promise((resolve) => socket.addEventListener("open", resolve));
      expect(socket.protocol).toBe("chat.v1");
      socket.close();
    });
  });

  recipe("When credentials expire", (run) => {
    it("closes when the token expires, unless a new one of the same user came in time", async () => {
      await using app = await serveTokens(run, "longLived");
      const token = tokenFor("ada", 2);
      await using leaving = await connect(app.server, "/chat", offer(token));
      await using staying = await connect(app.server, "/chat", offer(token));
      await using other = await connect(app.server, "/chat", offer(token));
      staying.send(tokenFor("ada", 60));
      other.send(tokenFor("grace", 60));
      expect(await other.closed).toEqual({ code: 4401, reason: "that token is not valid" });
      expect(await leaving.closed).toEqual({ code: 3000, reason: "credentials expired" });
      await staying.ping();
    });
  });
});
