import { type AddressInfo, Server } from "node:net";
import { connect as connectClient } from "@spry-ws/client";
import type { Schema } from "@spry-ws/contract";
import { connect, refused, type TestClient } from "@spry-ws/testing";
import { io } from "socket.io-client";
import { expect, it, onTestFinished, vi } from "vitest";
import { WebSocket } from "ws";
import { browserSocket } from "./browser.ts";
import { describePage, type Run } from "./page.ts";

/** The block before and the one after do the same, as far as the test asks. */
function alike(
  recipe: (name: string, define: (run: Run) => void) => void,
  name: string,
  test: (url: string) => Promise<void>,
  options?: Parameters<Run>[0],
): void {
  for (const block of [name, `${name} 2`])
    recipe(block, (run) => {
      it("does what the other one does", async () => {
        await test((await run(options)).url);
      });
    });
}

async function open(url: string, path: string, headers = {}): Promise<TestClient> {
  const client = await connect(url, path, { headers });
  onTestFinished(async () => void (await client.terminate()));
  return client;
}

async function everybodyHears(url: string): Promise<void> {
  const [ada, grace] = [await open(url, "/rooms/blue"), await open(url, "/rooms/red")];
  await ada.ping();
  await grace.ping();
  ada.send("hello");
  for (const client of [ada, grace]) expect(await client.text()).toBe("blue: hello");
}

describePage("docs/migrate/express-ws.md", (recipe) => alike(recipe, "From express-ws", everybodyHears));

describePage("docs/migrate/fastify-websocket.md", (recipe) =>
  alike(recipe, "From @fastify/websocket", everybodyHears, { replace: { "logger: true": "logger: false" } }),
);

describePage("docs/migrate/koa-websocket.md", (recipe) =>
  alike(recipe, "From koa-websocket", async (url) => {
    const [ada, grace] = [await open(url, "/chat"), await open(url, "/chat")];
    for (const client of [ada, grace]) expect(await client.text()).toBe("hello");
    ada.send("x");
    for (const client of [ada, grace]) expect(await client.text()).toBe("x");
  }),
);

describePage("docs/migrate/koa-easy-ws.md", (recipe) =>
  alike(recipe, "From koa-easy-ws", async (url) => {
    expect(await (await fetch(url)).text()).toBe("a page");
    const client = await open(url, "/");
    client.send(new Uint8Array([1, 2, 3]));
    expect([...(await client.next()).bytes()]).toEqual([1, 2, 3]);
  }),
);

describePage("docs/migrate/crossws.md", (recipe) =>
  alike(recipe, "From crossws", async (url) => {
    expect((await refused(url, "/")).status).toBe(400);
    const [ada, grace] = [await open(url, "/?name=Ada"), await open(url, "/?name=Grace")];
    expect(await ada.json()).toEqual({ welcome: "Ada" });
    expect(await grace.json()).toEqual({ welcome: "Grace" });
    grace.send("hello");
    expect(await ada.text()).toBe("Grace: hello");
  }),
);

describePage("docs/migrate/websocket-express.md", (recipe) => {
  const findUser = async (id: string | undefined) => (id ? { id, name: id } : undefined);
  alike(
    recipe,
    "From websocket-express",
    async (url) => {
      expect((await refused(url, "/feed")).status).toBe(401);
      const client = await open(url, "/feed", { "x-user-id": "Ada" });
      client.send("hello");
      expect(await client.text()).toBe("Ada: hello");
    },
    { give: { findUser } },
  );
});

/** What a page of the chat does, with either library. */
interface Chatter {
  join(room: string): Promise<boolean>;
  say(room: string, text: string): Promise<unknown>;
  type(room: string): void;
  /** `from: text`, and `from` alone where somebody types. */
  readonly heard: string[];
  /** Whether it was let in. */
  readonly isIn: Promise<boolean>;
}

function socketIoChatter(url: string, token: string): Chatter {
  const socket = io(`${url}/rooms`, { auth: { token }, transports: ["websocket"], forceNew: true });
  onTestFinished(() => void socket.close());
  const heard: string[] = [];
  socket.on("said", ({ from, text }) => heard.push(`${from}: ${text}`));
  socket.on("typing", ({ from }) => heard.push(from));
  return {
    heard,
    isIn: new Promise((resolve) => {
      socket.once("connect", () => resolve(true)).once("connect_error", () => resolve(false));
    }),
    join: async (room) => !(await socket.emitWithAck("join", room)).error,
    say: (room, text) => socket.emitWithAck("say", { room, text }),
    type: (room) => void socket.volatile.emit("typing", { room }),
  };
}

interface Chat {
  requests: { say: { input: Schema<{ room: string; text: string }>; output: Schema<{ at: number }> } };
  events: { typing: Schema<{ room: string }> };
  topics: {
    "rooms/:room": { message: Schema<{ from: string; text: string }> };
    "rooms/:room/typing": { message: Schema<{ from: string }> };
  };
}

function serviceChatter(url: string, token: string): Chatter {
  const { port } = new URL(url);
  const client = connectClient<Chat>(`ws://127.0.0.1:${port}/live`, { token, WebSocket });
  onTestFinished(() => client.close());
  const heard: string[] = [];
  return {
    heard,
    isIn: new Promise((resolve) => {
      client.onStatus(({ state }) => {
        if (state !== "connecting") resolve(state === "open");
      });
    }),
    async join(room) {
      const topics = [
        client.topic("rooms/:room", { room }),
        client.topic("rooms/:room/typing", { room }),
      ] as const;
      topics[0].onItem(
        (item) => item.type === "message" && heard.push(`${item.data.from}: ${item.data.text}`),
      );
      topics[1].onItem((item) => item.type === "message" && heard.push(item.data.from));
      await vi.waitFor(() => expect(topics.map(({ state }) => state)).not.toContain("pending"));
      return topics[0].state === "live";
    },
    say: (room, text) => client.request("say", { room, text }),
    type: (room) => void client.emit("typing", { room }),
  };
}

describePage("docs/migrate/socket-io.md", (recipe) => {
  const findUser = async (token: string | undefined) =>
    token === "stranger" ? undefined : { id: token, name: `user ${token}` };
  const servers = [
    ["From Socket.IO", socketIoChatter],
    ["From Socket.IO 3", serviceChatter],
  ] as const;
  let before: Run | undefined;

  for (const [name, makeChatter] of servers)
    recipe(name, (run) => {
      before ??= run;
      it("lets in who has a token, and into rooms who may; they hear what is said, and who types", async () => {
        const { url } = await run({ give: { findUser } });
        const [ada, grace, stranger] = ["ada", "grace", "stranger"].map((token) =>
          makeChatter(url, token),
        ) as [Chatter, Chatter, Chatter];
        expect(await Promise.all([ada.isIn, grace.isIn, stranger.isIn])).toEqual([true, true, false]);
        expect([await ada.join("42"), await grace.join("42"), await ada.join("attic")]).toEqual([
          true,
          true,
          false,
        ]);
        expect(await ada.say("42", "hello")).toEqual({ at: expect.any(Number) });
        ada.type("42");
        await vi.waitFor(() => expect(grace.heard).toEqual(["user ada: hello", "user ada"]));
        expect(ada.heard[0]).toBe("user ada: hello");
      });
    });

  const printedByPage = ["user ada: hello", "said at true"];

  recipe("From Socket.IO 2", (run) => {
    it("is a page of that server: says hello, hears it, and is answered", async () => {
      const { url } = await (before as Run)({ give: { findUser } });
      const { names, printed } = await run<{ socket: { close(): void } }>({
        replace: { "http://localhost:3000": url },
        take: ["socket"],
      });
      onTestFinished(() => names.socket.close());
      expect(printed).toEqual(printedByPage);
    });
  });

  recipe("From Socket.IO 4", (run) => {
    it("does the same on the service, and is told that it types itself", async () => {
      const listen = vi.spyOn(Server.prototype, "listen");
      onTestFinished(() => listen.mockRestore());
      vi.stubGlobal("location", { href: "http://127.0.0.1/" });
      vi.stubGlobal("WebSocket", function (this: unknown, url: string, protocols: string[]) {
        const [server] = listen.mock.contexts as [Server];
        const { port } = server.address() as AddressInfo;
        return new (browserSocket(port))(url, protocols);
      });
      onTestFinished(() => void vi.unstubAllGlobals());
      const { names, printed } = await run<{ client: { close(): void } }>({
        give: { findUser },
        take: ["client"],
      });
      onTestFinished(() => names.client.close());
      await vi.waitFor(() => expect(printed).toEqual([...printedByPage, "user ada is typing"]));
    });
  });
});
