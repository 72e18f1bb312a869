import type { defineContract } from "@spry-ws/contract";
import { type Hooks, type SpryWs, spryWs, ws } from "@spry-ws/express";
import { redis } from "@spry-ws/redis";
import { createService, type RequestHandler } from "@spry-ws/service";
import express, { type Express } from "express";
import { createClient } from "redis";
import { Type } from "typebox";
import { expect, it, vi } from "vitest";
import { clientId, WireClient } from "../fixtures/wire-client.ts";
import { openClient, serveApp } from "./live.ts";
import { describePage, type Run } from "./page.ts";
import { withRedis } from "./processes.ts";

describePage("docs/guide/service.md", (recipe) => {
  recipe("A contract", (run) => {
    it("refuses input that does not fit, before the handler", async () => {
      const { chat } = (await run<{ chat: ReturnType<typeof defineContract> }>({ take: ["chat"] })).names;
      const app = express();
      const spry = spryWs();
      app.use(spry);
      const requests = { say: vi.fn(() => ({ at: 1 })), history: () => [], async *summarize() {} };
      const implementation = {
        requests,
        events: { typing() {} },
        topics: { "rooms/:room": { subscribe: true } },
      };
      app.ws("/live", Reflect.apply(createService, undefined, [spry, chat, implementation]));
      const { port } = await serveApp(app, spry);
      const client = openClient(port);
      expect(await client.request("say", { room: "42", text: "x".repeat(1_000) })).toEqual({ at: 1 });
      await expect(client.request("say", { room: "42", text: "x".repeat(1_001) })).rejects.toMatchObject({
        code: "invalid",
      });
      expect(requests.say).toHaveBeenCalledOnce();
    });
  });

  const findUser = async (cookie: string | undefined) =>
    cookie ? { id: cookie, name: `user ${cookie}` } : undefined;
  const serveBlock = async (run: Run, options: Parameters<Run>[0] = {}) => {
    type Names = { app: Express; spry: SpryWs };
    const { names } = await run<Names>({ ...options, give: { findUser }, take: ["app", "spry"] });
    return serveApp(names.app, names.spry);
  };

  recipe("Who is there", (run) => {
    it("knows who is there, and tells who comes", async () => {
      type Names = {
        spry: ReturnType<typeof spryWs>;
        live: Hooks;
        room: { members: ReadonlyMap<string, unknown> };
      };
      const { names, printed } = await run<Names>({ take: ["spry", "live", "room"] });
      expect(printed).toEqual(["0 undefined"]);
      const app = express();
      app.use(names.spry);
      app.get("/live", ws(names.live));
      const { port } = await serveApp(app, names.spry);
      await using client = await WireClient.connect(`ws://127.0.0.1:${port}/live`);
      client.say(["h", clientId(), [["rooms/42"]]]);
      await vi.waitFor(() => expect(printed).toHaveLength(2));
      expect(printed[1]).toBe("[ { key: '1', data: { name: 'Ada' } } ] [] []");
      expect(names.room.members.get("1")).toEqual({ name: "Ada" });
    });
  });

  let service: Run | undefined;
  recipe("A service", (run) => {
    service = run;
    it("publishes what users say, refuses what they may not, and does nothing for strangers", async () => {
      const { port } = await serveBlock(run);
      const [first, second, stranger] = ["1", "2", undefined].map((cookie) => openClient(port, cookie));
      const heard: unknown[] = [];
      const room = second?.topic("rooms/:room", { room: "42" });
      room?.onItem((item) => heard.push(item));
      await vi.waitFor(() => expect(room?.state).toBe("live"));
      expect(await first?.request("say", { room: "42", text: "hello" })).toEqual({ at: expect.any(Number) });
      await vi.waitFor(() =>
        expect(heard).toEqual([{ type: "message", data: { from: "user 1", text: "hello" } }]),
      );
      await expect(first?.request("say", { room: "attic", text: "hello" })).rejects.toMatchObject({
        code: "closed_room",
        message: "Nobody may speak there",
      });
      const attics = [first, second].map((client) => client?.topic("rooms/:room", { room: "attic" }));
      await vi.waitFor(() => expect(attics.map((attic) => attic?.state)).toEqual(["live", "refused"]));
      await expect(stranger?.request("history", { room: "42" }, { timeoutMs: 200 })).rejects.toThrow();
    });
  });

  recipe("Publish", (run) => {
    withRedis((url) => {
      it("reaches the subscribers in another process", async () => {
        const backplane = redis({ client: createClient({ url: url() }) });
        const give = { findUser, spryWs: () => spryWs({ backplane }) };
        const running = await (service as Run)<{ app: Express; spry: SpryWs }>({
          give,
          take: ["app", "spry"],
          replace: { "{ spryWs, useHeaders }": "{ useHeaders }" },
        });
        const { port } = await serveApp(running.names.app, running.names.spry);
        const heard: unknown[] = [];
        const room = openClient(port, "1").topic("rooms/:room", { room: "42" });
        room.onItem((item) => heard.push(item));
        await vi.waitFor(() => expect(room.state).toBe("live"));
        await running.names.spry.ready();
        await run({ give: { findUser }, replace: { "redis://localhost:6379": url() } });
        await vi.waitFor(() =>
          expect(heard).toEqual([{ type: "message", data: { from: "clock", text: "noon" } }]),
        );
      });
    });
  });

  recipe("Around handlers", (run) => {
    it("prints how long a handler took, also where it fails", async () => {
      type Timed = { timed(handler: () => unknown): RequestHandler<unknown, unknown, unknown> };
      const { names, printed } = await run<Timed>({ take: ["timed"] });
      const call = { name: "say", id: "1", signal: new AbortController().signal };
      const handlers = [
        names.timed(() => "done"),
        names.timed(() => {
          throw new Error("a bug");
        }),
      ];
      const results = handlers.map((handler) => Reflect.apply(handler, undefined, [{}, {}, call]));
      expect(await Promise.allSettled(results)).toMatchObject([{ value: "done" }, { status: "rejected" }]);
      expect(printed).toEqual(Array(2).fill(expect.stringMatching(/^say took [\d.]+ ms$/)));
    });
  });

  recipe("Schemas of other libraries", (run) => {
    it("says what does not fit, and where", async () => {
      type Schema = { "~standard": { validate(value: unknown): unknown } };
      const { schemaOf } = (await run<{ schemaOf(schema: object): Schema }>({ take: ["schemaOf"] })).names;
      const { validate } = schemaOf(Type.Object({ room: Type.String() }))["~standard"];
      expect(validate({ room: "42" })).toEqual({ value: { room: "42" } });
      expect(validate({ room: 42 })).toEqual({ issues: [{ message: "must be string", path: ["room"] }] });
    });
  });
});

describePage("packages/contract/README.md", (recipe) => {
  recipe("@spry-ws/contract", (run) => {
    it("is a contract that a service can answer", async () => {
      const { chat } = (await run<{ chat: object }>({ take: ["chat"] })).names;
      const app = express();
      const spry = spryWs();
      app.use(spry);
      const implementation = {
        requests: { say() {} },
        events: { typing() {} },
        topics: { "rooms/:room": { subscribe: true } },
      };
      app.ws("/live", Reflect.apply(createService, undefined, [spry, chat, implementation]));
      const { port } = await serveApp(app, spry);
      const client = openClient(port);
      expect(await client.request("say", { room: "42", text: "hello" })).toBeUndefined();
      const bad = Reflect.apply(client.request, client, ["say", { room: 42 }]);
      await expect(bad).rejects.toMatchObject({ code: "invalid" });
    });
  });
});

describePage("packages/service/README.md", (recipe) => {
  recipe("@spry-ws/service", (run) => {
    it("publishes what is said to the room", async () => {
      const { port, names } = await run<{ spry: SpryWs }>({ take: ["spry"] });
      const client = openClient(port);
      const heard: unknown[] = [];
      const room = client.topic("rooms/:room", { room: "42" });
      room.onItem((item) => heard.push(item));
      await client.request("say", { room: "42", text: "hello" });
      await vi.waitFor(() => expect(heard).toEqual([{ type: "message", data: "hello" }]));
      await names.spry.close({ deadlineMs: 0 });
    });
  });
});
