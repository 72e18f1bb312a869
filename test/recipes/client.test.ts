import { defineContract } from "@spry-ws/contract";
import { type Hooks, spryWs, useSubprotocolToken, ws } from "@spry-ws/express";
import { createService } from "@spry-ws/service";
import express from "express";
import { expect, it, vi } from "vitest";
import { z } from "zod";
import { serveApp } from "./live.ts";
import { describePage } from "./page.ts";

const contract = defineContract({
  requests: {
    say: { input: z.object({ room: z.string(), text: z.string() }), output: z.object({ at: z.number() }) },
    words: { stream: z.string() },
  },
  events: { typing: z.object({ room: z.string() }) },
  topics: {
    "rooms/:room": {
      message: z.object({ from: z.string(), text: z.string() }),
      presence: z.object({ name: z.string() }),
    },
    "lines/:room": { message: z.string(), history: true },
  },
});

/** The loop of a block of before goes on for as long as its client is there. */
const endsRoom = { "of room) {": "of []) {" };

describePage("docs/guide/client.md", (recipe) => {
  /** The service whose client the page shows. A client is sent away as soon as it has had a message of its room, unless it may stay. */
  async function serveLive({ mayStay = false } = {}) {
    const app = express();
    const spry = spryWs();
    app.use(spry);
    const tokens: unknown[] = [];
    const typing: unknown[] = [];
    const live = createService(spry, contract, {
      upgrade: (event) => {
        const { token } = useSubprotocolToken(event);
        if (token) tokens.push(token);
      },
      token(_peer, token) {
        tokens.push(token);
        return Date.now() + 60_000;
      },
      requests: {
        say: () => ({ at: 12 }),
        async *words() {
          yield "one";
          yield "two";
        },
      },
      events: { typing: (_peer, input) => void typing.push(input) },
      topics: {
        "rooms/:room": {
          subscribe(peer) {
            setTimeout(() => {
              live.publish("rooms/:room", { room: "42" }, { from: "Ada", text: "hello" });
              if (!mayStay) void peer.close(4401, "that is all");
            }, 50);
            return true;
          },
          presence: () => ({ key: "7", data: { name: "Ada" } }),
        },
        "lines/:room": { subscribe: true },
      },
    });
    app.ws("/live", live);
    await serveApp(app, spry);
    return { live, tokens, typing };
  }

  recipe("Client", (run) => {
    it("asks, and is answered", async () => {
      await serveLive();
      const { names, printed } = await run<{ client: { close(): void } }>({ take: ["client"] });
      expect(printed).toEqual(["said at 12"]);
      names.client.close();
    });
  });

  recipe("Requests", (run) => {
    it("gets a stream word by word, and tells that somebody types", async () => {
      const { typing } = await serveLive();
      const { names, printed } = await run<{ client: { close(): void } }>({ take: ["client"] });
      expect(printed).toEqual(["said at 12", "one", "two"]);
      await vi.waitFor(() => expect(typing).toEqual([{ room: "42" }]));
      names.client.close();
    });
  });

  recipe("Topics", (run) => {
    it("gets what is published, until the client is closed for good", async () => {
      await serveLive();
      const printed: unknown[] = [];
      const give = { console: { log: (...parts: unknown[]) => printed.push(parts.join(" ")) } };
      await expect(run({ give })).rejects.toThrow("closed: 4401");
      expect(printed.slice(3)).toEqual(["Ada hello"]);
    });
  });

  recipe("Durable topics", (run) => {
    it("saves the lines, and where they end", async () => {
      const { live } = await serveLive();
      const stored = new Map<string, string>();
      const sessionStorage = {
        getItem: (key: string) => stored.get(key) ?? null,
        setItem: (key: string, value: string) => stored.set(key, value),
      };
      type Names = { client: { close(): void }; lines: { readonly state: string } };
      const { names } = await run<Names>({
        give: { sessionStorage },
        take: ["client", "lines"],
        replace: endsRoom,
      });
      await vi.waitFor(() => expect(names.lines.state).toBe("live"));
      await live.publish("lines/:room", { room: "42" }, "hello");
      await vi.waitFor(() => expect(stored.get("lines")).toContain('"lines":["hello"]'));
      names.client.close();
    });
  });

  recipe("Who is there", (run) => {
    it("says who is here", async () => {
      await serveLive({ mayStay: true });
      const { names, printed } = await run<{ client: { close(): void } }>({
        give: { sessionStorage: { getItem: () => null, setItem: () => {} } },
        take: ["client"],
        replace: endsRoom,
      });
      await vi.waitFor(() => expect(printed).toContain("Ada (7) is here"), { timeout: 5_000 });
      expect(printed.at(-1)).toBe("0 0 1");
      names.client.close();
    });
  });

  recipe("Tokens", (run) => {
    it("comes with a token, and renews it", async () => {
      const { tokens } = await serveLive();
      let issued = 0;
      const { names } = await run<{ withToken: { close(): void } }>({
        give: {
          sessionStorage: { getItem: () => null, setItem: () => {} },
          fetch: async () => new Response(`token-${++issued}`),
        },
        take: ["withToken"],
        replace: {
          ...endsRoom,
          // On a connection that there is.
          "await withToken.renewToken()":
            'await withToken.request("say", { room: "42", text: "hello" });\nawait withToken.renewToken()',
        },
      });
      await vi.waitFor(() => expect(tokens).toEqual(["token-1", "token-2"]));
      names.withToken.close();
    });
  });

  recipe("Without a service", (run) => {
    it("sends when there is a connection, and comes back", async () => {
      const app = express();
      const spry = spryWs();
      app.use(spry);
      const hooks: Hooks = {
        async message(peer, message) {
          peer.send(message);
          await peer.close(1012);
        },
      };
      app.get("/chat", ws(hooks));
      await serveApp(app, spry);
      const { names, printed } = await run<{ socket: { close(): void } }>({ take: ["socket"] });
      await vi.waitFor(() =>
        expect(printed).toEqual(["hello", expect.stringMatching(/^lost \(1012\); another follows/)]),
      );
      await vi.waitFor(() => expect(spry.metrics().accepted).toBe(2), { timeout: 5_000 });
      names.socket.close();
    });
  });

  recipe("Node", (run) => {
    it("connects with the WebSocket that it is given, and is closed", async () => {
      type Names = { client: { status: { state: string } } };
      expect((await run<Names>({ take: ["client"] })).names.client.status.state).toBe("closed");
    });
  });
});

describePage("packages/client/README.md", (recipe) => {
  recipe("@spry-ws/client", (run) => {
    it("asks, and prints what is published", async () => {
      const app = express();
      const spry = spryWs();
      app.use(spry);
      const said: unknown[] = [];
      const small = defineContract({
        requests: { say: { input: z.object({ room: z.string(), text: z.string() }) } },
        topics: { "rooms/:room": { message: z.string() } },
      });
      const live = createService(spry, small, {
        requests: { say: (_peer, input) => void said.push(input) },
        topics: {
          "rooms/:room": {
            subscribe(peer) {
              setTimeout(() => {
                live.publish("rooms/:room", { room: "42" }, "hello");
                void peer.close(4401);
              }, 50);
              return true;
            },
          },
        },
      });
      app.ws("/live", live);
      await serveApp(app, spry);
      const printed: unknown[] = [];
      const give = { console: { log: (item: unknown) => printed.push(item) } };
      await expect(run({ give })).rejects.toThrow("closed: 4401");
      expect(said).toEqual([{ room: "42", text: "hello" }]);
      expect(printed).toEqual([{ type: "message", data: "hello" }]);
    });
  });
});
