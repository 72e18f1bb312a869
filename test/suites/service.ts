import { defineContract, ServiceError } from "@spry-ws/contract";
import { useHeaders } from "@spry-ws/core";
import { createService, type ServiceImplementation } from "@spry-ws/service";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { Adapter } from "../fixtures/adapter.ts";
import { Client } from "../fixtures/client.ts";
import { Deferred } from "../fixtures/deferred.ts";
import { Queue } from "../fixtures/queue.ts";
import { type RunningApp, serve } from "../fixtures/serve.ts";
import { clientId, WireClient } from "../fixtures/wire-client.ts";

const contract = defineContract({
  version: "2",
  requests: {
    add: { input: z.object({ a: z.number(), b: z.number().default(1) }), output: z.number() },
    nothing: {},
    bytes: { input: z.instanceof(Uint8Array), output: z.instanceof(Uint8Array) },
    wait: { output: z.string() },
    read: { output: z.string(), repeatable: true },
    count: { input: z.number(), stream: z.number() },
    lines: { stream: z.string() },
  },
  events: { move: z.object({ x: z.number() }) },
  topics: {
    "rooms/:room": { message: z.object({ text: z.string() }) },
    bytes: { message: z.instanceof(Uint8Array) },
  },
});

interface User {
  readonly user: string;
}
type Implementation = ServiceImplementation<typeof contract, User>;
type Requests = Implementation["requests"];

interface Parts extends Partial<Omit<Implementation, "requests">> {
  readonly requests?: Partial<Requests>;
}

/** A service whose handlers do what their names say, or what a test has them do. */
async function serveService(adapter: Adapter, { requests, ...others }: Parts = {}) {
  const moves = new Queue<unknown>();
  const app: RunningApp = await serve(adapter, { routes: { "/live": { hooks: () => service } } });
  const service = createService(app.spry, contract, {
    upgrade: (event) => ({ context: { user: useHeaders(event).get("x-user") ?? "nobody" } }),
    requests: {
      add: (_peer, { a, b }) => a + b,
      nothing: () => undefined,
      bytes: (_peer, bytes) => bytes.map((byte) => 255 - byte),
      wait: () => "waited",
      read: () => "read",
      async *count(_peer, to) {
        for (let n = 1; n <= to; n++) yield n;
      },
      async *lines() {
        yield "a line";
      },
      ...requests,
    },
    events: { move: (peer, { x }) => moves.push([peer.context.user, x]) },
    topics: { "rooms/:room": { subscribe: true }, bytes: { subscribe: true } },
    ...others,
  });
  return {
    app,
    service,
    moves,
    url: app.url("/live"),
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
}

async function open(url: string, id: string = clientId(), topics: string[] = []): Promise<WireClient> {
  const client = await WireClient.connect(url);
  client.say(["h", id, topics.map((topic) => [topic] as const), "2"]);
  const [, peerId] = await client.next("h");
  client.peerId = String(peerId);
  return client;
}

/** Hooks of a service, over the wire. */
export function serviceSuite(adapter: Adapter): void {
  describe("a request", () => {
    it("is answered by its handler, with defaults of the schema filled in", async () => {
      await using live = await serveService(adapter);
      await using client = await open(live.url);
      expect(await client.request(1, "add", { a: 1, b: 2 })).toEqual(["r", 1, 3]);
      expect(await client.request(2, "add", { a: 1 })).toEqual(["r", 2, 2]);
      expect(await client.request(3, "nothing")).toEqual(["r", 3]);
      expect(await client.request(4, "bytes", new Uint8Array([0, 10]))).toEqual([
        "r",
        4,
        Buffer.from([255, 245]),
      ]);
    });

    it("that does not fit fails with the issues, and the connection stays", async () => {
      await using live = await serveService(adapter);
      await using client = await open(live.url);
      const failure = { code: "invalid", issues: [{ path: ["a"], message: expect.any(String) }] };
      expect(await client.request(1, "add", { a: "1" })).toMatchObject(["f", 1, failure]);
      expect(await client.request(2, "add", { a: 1 })).toEqual(["r", 2, 2]);
      expect(live.app.logged).toEqual([]);
    });

    it("of another name is unknown, whatever the name", async () => {
      await using live = await serveService(adapter);
      await using client = await open(live.url);
      for (const [index, name] of ["subtract", "toString", "__proto__", "constructor", ""].entries())
        expect(await client.request(index + 1, name)).toMatchObject(["f", index + 1, { code: "unknown" }]);
    });

    it("whose handler fails says nothing of why, and the log has it", async () => {
      await using live = await serveService(adapter, {
        requests: {
          nothing: () => {
            throw new Error("the password is 1234");
          },
          add: async () => Promise.reject(new Error("the second one")),
        },
      });
      await using client = await open(live.url);
      const failure = ["f", 1, { code: "internal", message: "the service could not answer" }];
      expect(await client.request(1, "nothing")).toEqual(failure);
      expect(await client.request(2, "add", { a: 1 })).toMatchObject(["f", 2, { code: "internal" }]);
      expect(live.app.logged).toMatchObject([
        { message: "the password is 1234" },
        { message: "the second one" },
      ]);
    });

    it("whose handler throws a ServiceError fails with its code", async () => {
      await using live = await serveService(adapter, {
        requests: {
          nothing: () => {
            throw new ServiceError("room_full", "The room is full");
          },
        },
      });
      await using client = await open(live.url);
      const failure = { code: "room_full", message: "The room is full" };
      expect(await client.request(1, "nothing")).toEqual(["f", 1, failure]);
      expect(live.app.logged).toEqual([]);
    });

    it("whose handler returns what the contract does not allow fails, and the log says what", async () => {
      await using live = await serveService(adapter, {
        requests: { add: () => "three" as unknown as number },
      });
      await using client = await open(live.url);
      expect(await client.request(1, "add", { a: 1 })).toMatchObject(["f", 1, { code: "internal" }]);
      expect(live.app.logged).toMatchObject([
        { message: expect.stringMatching(/"add" returned does not fit/) },
      ]);
    });

    it("waits for no other one", async () => {
      const gate = new Deferred<string>();
      await using live = await serveService(adapter, { requests: { wait: () => gate.promise } });
      await using client = await open(live.url);
      client.say(["q", 1, "wait", null]);
      expect(await client.request(2, "add", { a: 1 })).toEqual(["r", 2, 2]);
      gate.resolve("at last");
      expect(await client.next("r")).toEqual(["r", 1, "at last"]);
    });

    it("is one too many beyond the bound, and the others go on", async () => {
      const gate = new Deferred<string>();
      await using live = await serveService(adapter, {
        requests: { wait: () => gate.promise },
        limits: { maxRequests: 2 },
      });
      await using client = await open(live.url);
      client.say(["q", 1, "wait", null]);
      client.say(["q", 2, "wait", null]);
      expect(await client.request(3, "wait")).toMatchObject(["f", 3, { code: "limit" }]);
      gate.resolve("at last");
      expect(await client.next("r")).toEqual(["r", 1, "at last"]);
      expect(await client.request(4, "wait")).toEqual(["r", 4, "at last"]);
    });

    it("fails where more is unconfirmed than may be, until it is confirmed", async () => {
      await using live = await serveService(adapter, {
        requests: { wait: () => "x".repeat(2_000) },
        limits: { maxUnconfirmedBytes: 1_000 },
      });
      await using client = await open(live.url);
      expect((await client.request(1, "wait"))[0]).toBe("r");
      expect(await client.request(2, "wait")).toMatchObject(["f", 2, { code: "limit" }]);
      client.say(["a", 2]);
      expect((await client.request(3, "wait"))[0]).toBe("r");
    });

    it("that is cancelled fires its signal at once, beside what still runs", async () => {
      const fired = new Deferred<string>();
      await using live = await serveService(adapter, {
        requests: {
          wait: (_peer, _input, { signal, name }) =>
            new Promise((_resolve, reject) => {
              signal.addEventListener("abort", () => {
                fired.resolve(name);
                reject(signal.reason);
              });
            }),
        },
      });
      await using client = await open(live.url);
      client.say(["q", 1, "wait", null]);
      client.say(["x", 1]);
      expect(await fired.promise).toBe("wait");
      // Nothing comes for the one that was cancelled.
      client.say(["q", 2, "add", { a: 1 }]);
      expect(await client.next("r", "f")).toEqual(["r", 2, 2]);
      expect(live.app.logged).toEqual([]);
    });

    it("that is cancelled before its handler asks for the signal finds it aborted", async () => {
      const cancelled = new Deferred<string>();
      const seen = new Deferred<boolean>();
      await using live = await serveService(adapter, {
        requests: {
          async wait(_peer, _input, call) {
            await cancelled.promise;
            seen.resolve(call.signal.aborted);
            return "unwanted";
          },
        },
      });
      await using client = await open(live.url);
      client.say(["q", 1, "wait", null]);
      client.say(["x", 1]);
      client.say(["q", 2, "add", { a: 1 }]);
      expect(await client.next("r", "f")).toEqual(["r", 2, 2]);
      cancelled.resolve("now");
      expect(await seen.promise).toBe(true);
    });

    it("counts as under way until its handler ends, cancelled or confirmed as it may be", async () => {
      const gate = new Deferred<string>();
      let running = 0;
      await using live = await serveService(adapter, {
        requests: {
          wait: () => {
            running++;
            return gate.promise;
          },
        },
        limits: { maxRequests: 3 },
      });
      await using client = await open(live.url);
      for (let n = 1; n <= 100; n++) {
        client.say(["q", n, "wait", null]);
        client.say(["x", n]);
        client.say(["a", n]);
      }
      expect(await client.request(101, "wait")).toMatchObject(["f", 101, { code: "limit" }]);
      expect(running).toBe(3);
      gate.resolve("at last");
      await gate.promise;
      expect(await client.request(102, "add", { a: 1 })).toEqual(["r", 102, 2]);
    });

    it("whose answer is confirmed unseen, as its time is over, fires its signal", async () => {
      const fired = new Deferred();
      await using live = await serveService(adapter, {
        requests: {
          wait: async (_peer, _input, { signal }) => {
            await new Promise((resolve) => signal.addEventListener("abort", resolve));
            fired.resolve();
            return "too late";
          },
        },
      });
      await using client = await open(live.url);
      client.say(["q", 1, "wait", null]);
      client.say(["a", 1]);
      await fired.promise;
      client.say(["q", 2, "nothing", null]);
      expect(await client.next("r", "f")).toEqual(["r", 2]);
    });

    it("that comes twice on a connection is answered once", async () => {
      await using live = await serveService(adapter);
      await using client = await open(live.url);
      expect(await client.request(1, "add", { a: 1 })).toEqual(["r", 1, 2]);
      client.say(["q", 1, "add", { a: 1 }]);
      client.say(["q", 1, "add", { a: 5 }, client.peerId]);
      client.say(["q", 2, "nothing", null]);
      expect(await client.next("r")).toEqual(["r", 2]);
    });
  });

  describe("a stream", () => {
    it("comes value by value, and ends", async () => {
      await using live = await serveService(adapter);
      await using client = await open(live.url);
      client.say(["q", 1, "count", 3]);
      expect(await client.frames.take(4)).toEqual([
        ["c", 1, 1],
        ["c", 1, 2],
        ["c", 1, 3],
        ["r", 1],
      ]);
    });

    it("that fails on its way ends with the failure", async () => {
      await using live = await serveService(adapter, {
        requests: {
          // biome-ignore lint/correctness/useYield: it fails before
          async *count() {
            throw new ServiceError("empty", "There is nothing");
          },
        },
      });
      await using client = await open(live.url);
      client.say(["q", 1, "count", 3]);
      expect(await client.next("f")).toEqual(["f", 1, { code: "empty", message: "There is nothing" }]);
    });

    it.each(["is cancelled", "loses its connection"])("that %s ends its generator", async (what) => {
      const ended = new Deferred();
      await using live = await serveService(adapter, {
        requests: {
          async *count(_peer, _to, { signal }) {
            try {
              yield 1;
              await new Promise((resolve) => signal.addEventListener("abort", resolve));
              yield 2;
            } finally {
              ended.resolve();
            }
          },
        },
      });
      await using client = await open(live.url);
      client.say(["q", 1, "count", 3]);
      expect(await client.next("c")).toEqual(["c", 1, 1]);
      if (what === "is cancelled") client.say(["x", 1]);
      else await client.cut();
      await ended.promise;
      expect(live.app.logged).toEqual([]);
    });

    it("is made no faster than its client reads", async () => {
      const line = "x".repeat(50_000);
      let mostWaiting = 0;
      await using live = await serveService(adapter, {
        requests: {
          async *lines(peer) {
            for (let i = 0; i < 200; i++) {
              mostWaiting = Math.max(mostWaiting, peer.bufferedAmount);
              yield line;
            }
          },
        },
      });
      await using client = await open(live.url);
      client.say(["q", 1, "lines", null]);
      for (let i = 0; i < 200; i++) await client.next("c");
      expect(await client.next("r")).toEqual(["r", 1]);
      // The high-water mark, and no more than one line beyond it.
      expect(mostWaiting).toBeLessThan(65_536 + 2 * line.length);
    });

    it("that yields what the contract does not allow ends, and the log says what", async () => {
      await using live = await serveService(adapter, {
        requests: {
          async *count() {
            yield "one" as unknown as number;
          },
        },
      });
      await using client = await open(live.url);
      client.say(["q", 1, "count", 3]);
      expect(await client.next("f")).toMatchObject(["f", 1, { code: "internal" }]);
      expect(live.app.logged).toMatchObject([{ message: expect.stringMatching(/yielded does not fit/) }]);
    });
  });

  describe("an event", () => {
    it("reaches its handler", async () => {
      await using live = await serveService(adapter);
      await using client = await open(live.url);
      client.say(["e", "move", { x: 7 }]);
      expect(await live.moves.next()).toEqual(["nobody", 7]);
    });

    it("that does not fit, or is unknown, is told under the number 0", async () => {
      await using live = await serveService(adapter);
      await using client = await open(live.url);
      client.say(["e", "move", { x: "7" }]);
      expect(await client.next("f")).toMatchObject(["f", 0, { code: "invalid", issues: [{ path: ["x"] }] }]);
      client.say(["e", "jump", null]);
      expect(await client.next("f")).toMatchObject(["f", 0, { code: "unknown" }]);
    });

    it("is one too many while too many are under way", async () => {
      const gate = new Deferred();
      let running = 0;
      await using live = await serveService(adapter, {
        events: {
          move: () => {
            running++;
            return gate.promise;
          },
        },
        limits: { maxRequests: 2 },
      });
      await using client = await open(live.url);
      for (let x = 0; x < 3; x++) client.say(["e", "move", { x }]);
      expect(await client.next("f")).toMatchObject(["f", 0, { code: "limit" }]);
      expect(running).toBe(2);
      gate.resolve();
      await gate.promise;
      await client.request(1, "nothing");
      client.say(["e", "move", { x: 1 }]);
      await client.request(2, "nothing");
      expect(running).toBe(3);
    });

    it("whose handler fails is reported, and nothing else happens", async () => {
      await using live = await serveService(adapter, {
        events: {
          move: async () => {
            throw new Error("no");
          },
        },
      });
      await using client = await open(live.url);
      client.say(["e", "move", { x: 1 }]);
      expect(await client.request(1, "nothing")).toEqual(["r", 1]);
      expect(live.app.logged).toMatchObject([{ message: "no" }]);
    });
  });

  describe("a topic", () => {
    it("brings its subscribers what is published, in order", async () => {
      await using live = await serveService(adapter);
      await using one = await open(live.url, clientId(), ["rooms/a%2Fb"]);
      await using other = await open(live.url);
      other.say(["s", "rooms/a%2Fb"]);
      expect(await one.next("s")).toEqual(["s", "rooms/a%2Fb", "live"]);
      expect(await other.next("s")).toEqual(["s", "rooms/a%2Fb", "live"]);
      live.service.publish("rooms/:room", { room: "a/b" }, { text: "1" });
      live.service.publish("rooms/:room", { room: "else" }, { text: "not here" });
      live.service.publish("rooms/:room", { room: "a/b" }, { text: "2" });
      for (const client of [one, other]) {
        expect(await client.next("m")).toEqual(["m", "rooms/a%2Fb", null, { text: "1" }]);
        expect(await client.next("m")).toEqual(["m", "rooms/a%2Fb", null, { text: "2" }]);
      }
    });

    it("carries bytes as bytes", async () => {
      await using live = await serveService(adapter);
      await using client = await open(live.url, clientId(), ["bytes"]);
      await client.next("s");
      live.service.publish("bytes", {}, new Uint8Array([0, 10, 255]));
      expect(await client.next("m")).toEqual(["m", "bytes", null, Buffer.from([0, 10, 255])]);
    });

    it("brings nothing after it was left", async () => {
      await using live = await serveService(adapter);
      await using client = await open(live.url, clientId(), ["rooms/1"]);
      await client.next("s");
      client.say(["u", "rooms/1"]);
      await client.request(1, "nothing");
      live.service.publish("rooms/:room", { room: "1" }, { text: "lost" });
      expect(await client.request(2, "nothing")).toEqual(["r", 2]);
    });

    it("that is left while it is asked whether one may is not subscribed to", async () => {
      const gate = new Deferred<boolean>();
      await using live = await serveService(adapter, {
        topics: { "rooms/:room": { subscribe: () => gate.promise }, bytes: { subscribe: true } },
      });
      await using client = await open(live.url, clientId(), ["rooms/1"]);
      client.say(["u", "rooms/1"]);
      await client.request(1, "nothing");
      gate.resolve(true);
      await gate.promise;
      live.service.publish("rooms/:room", { room: "1" }, { text: "lost" });
      expect(await client.request(2, "nothing")).toEqual(["r", 2]);
      expect(live.app.spry.metrics().topics).toBe(0);
    });

    it("is refused to whom its handler refuses, or when that fails, and every time anew", async () => {
      const asked: string[] = [];
      await using live = await serveService(adapter, {
        topics: {
          "rooms/:room": {
            subscribe: async (peer, { room }) => {
              asked.push(`${peer.context.user} ${room}`);
              if (room === "broken") throw new Error("no database");
              return room === "open";
            },
          },
          bytes: { subscribe: true },
        },
      });
      const topics = ["rooms/open", "rooms/shut", "rooms/broken", "rooms", "toString"];
      await using client = await open(live.url, clientId(), topics);
      const answers = new Map<unknown, unknown>();
      while (answers.size < topics.length) {
        const [, topic, state] = await client.next("s");
        answers.set(topic, state);
      }
      expect(topics.map((topic) => answers.get(topic))).toEqual([
        "live",
        ...Array<string>(4).fill("refused"),
      ]);
      client.say(["s", "rooms/shut"]);
      expect(await client.next("s")).toEqual(["s", "rooms/shut", "refused"]);
      expect(asked).toEqual(["nobody open", "nobody shut", "nobody broken", "nobody shut"]);
      expect(live.app.logged).toMatchObject([{ message: "no database" }]);
    });

    it("is asked for once at a time, and the last answer is the one", async () => {
      const questions: Deferred<boolean>[] = [];
      await using live = await serveService(adapter, {
        topics: {
          "rooms/:room": {
            subscribe: () => {
              const question = new Deferred<boolean>();
              questions.push(question);
              return question.promise;
            },
          },
          bytes: { subscribe: true },
        },
      });
      await using client = await open(live.url);
      for (let i = 0; i < 50; i++) {
        client.say(["s", "rooms/1"]);
        client.say(["u", "rooms/1"]);
      }
      client.say(["s", "rooms/1"]);
      await client.request(1, "nothing");
      expect(questions.length).toBe(1);
      questions[0]?.resolve(true);
      await client.request(2, "nothing");
      expect(questions.length).toBe(2);
      questions[1]?.resolve(false);
      expect(await client.next("s")).toEqual(["s", "rooms/1", "refused"]);
      expect(live.app.spry.metrics().topics).toBe(0);
    });

    it("counts while it is asked for, also when it was left meanwhile", async () => {
      const gate = new Deferred<boolean>();
      await using live = await serveService(adapter, {
        topics: { "rooms/:room": { subscribe: () => gate.promise }, bytes: { subscribe: true } },
        limits: { maxSubscriptions: 2 },
      });
      await using client = await open(live.url);
      for (const room of [1, 2, 3]) {
        client.say(["s", `rooms/${room}`]);
        client.say(["u", `rooms/${room}`]);
      }
      expect(await client.next("s")).toEqual(["s", "rooms/3", "refused"]);
      gate.resolve(false);
      await gate.promise;
      await client.request(1, "nothing");
      client.say(["s", "bytes"]);
      expect(await client.next("s")).toEqual(["s", "bytes", "live"]);
    });

    it("is one of far too many: a hello with them ends with 4400", async () => {
      await using live = await serveService(adapter, { limits: { maxSubscriptions: 2 } });
      await using client = await WireClient.connect(live.url);
      client.say(["h", clientId(), Array.from({ length: 17 }, (_, i) => [`rooms/${i}`] as const), "2"]);
      expect(await client.closed).toEqual({ code: 4400, reason: "too many subscriptions" });
    });

    it("is refused beyond the bound", async () => {
      await using live = await serveService(adapter, { limits: { maxSubscriptions: 2 } });
      await using client = await open(live.url, clientId(), ["rooms/1", "rooms/2", "rooms/3"]);
      const states = [];
      for (let i = 0; i < 3; i++) states.push((await client.next("s")).slice(1));
      expect(states).toContainEqual(["rooms/3", "refused"]);
      client.say(["u", "rooms/1"]);
      client.say(["s", "rooms/3"]);
      expect(await client.next("s")).toEqual(["s", "rooms/3", "live"]);
    });

    it("takes only what the contract allows: the publisher is told at once", async () => {
      await using live = await serveService(adapter);
      const { service } = live;
      expect(() => service.publish("rooms/:room", { room: "1" }, { text: 1 } as never)).toThrow(
        expect.objectContaining({ code: "SPRY_WS_CONTRACT", message: expect.stringContaining("text: ") }),
      );
      expect(() => service.publish("rooms/:room", {} as never, { text: "1" })).toThrow(/needs the parameter/);
      expect(() => service.publish("halls" as never, {}, { text: "1" } as never)).toThrow(
        /has no topic "halls"/,
      );
    });
  });

  describe("a client that comes back", () => {
    it("gets the answer that was lost, of the one time that its request ran", async () => {
      let runs = 0;
      const gate = new Deferred();
      await using live = await serveService(adapter, {
        requests: {
          wait: async () => {
            runs++;
            await gate.promise;
            return `run ${runs}`;
          },
        },
      });
      const id = clientId();
      await using first = await open(live.url, id);
      first.say(["q", 1, "wait", null]);
      await first.request(2, "nothing");
      await first.cut();
      gate.resolve();
      await using second = await open(live.url, id);
      expect(await second.request(1, "wait", null, first.peerId)).toEqual(["r", 1, "run 1"]);
      await second.cut();
      await using third = await open(live.url, id);
      expect(await third.request(1, "wait", null, first.peerId)).toEqual(["r", 1, "run 1"]);
      expect(runs).toBe(1);
    });

    it("waits for a request that is still under way, which runs once", async () => {
      let runs = 0;
      const gate = new Deferred<string>();
      await using live = await serveService(adapter, {
        requests: {
          wait: () => {
            runs++;
            return gate.promise;
          },
        },
      });
      const id = clientId();
      await using first = await open(live.url, id);
      first.say(["q", 1, "wait", null]);
      await first.request(2, "nothing");
      await first.cut();
      await using second = await open(live.url, id);
      second.say(["q", 1, "wait", null, first.peerId]);
      await second.request(3, "nothing");
      gate.resolve("the answer");
      expect(await second.next("r")).toEqual(["r", 1, "the answer"]);
      expect(runs).toBe(1);
    });

    it("has a request run that this process, which remembers its connection, has never got", async () => {
      await using live = await serveService(adapter);
      const id = clientId();
      await using first = await open(live.url, id);
      await first.cut();
      await using second = await open(live.url, id);
      expect(await second.request(1, "wait", null, first.peerId)).toEqual(["r", 1, "waited"]);
    });

    it("is told `lost` by another process, which cannot know, unless the request is repeatable", async () => {
      await using live = await serveService(adapter);
      await using other = await serveService(adapter);
      const id = clientId();
      await using first = await open(live.url, id);
      await first.cut();
      await using second = await open(other.url, id);
      expect(await second.request(1, "wait", null, first.peerId)).toMatchObject(["f", 1, { code: "lost" }]);
      expect(await second.request(2, "read", null, first.peerId)).toEqual(["r", 2, "read"]);
      expect(await second.request(3, "wait")).toEqual(["r", 3, "waited"]);
    });

    it("takes the place of its former connection, which is closed with 4409", async () => {
      await using live = await serveService(adapter);
      const id = clientId();
      await using first = await open(live.url, id);
      await using second = await open(live.url, id);
      expect(await first.closed).toEqual({ code: 4409, reason: "connected anew" });
      expect(await second.request(1, "nothing")).toEqual(["r", 1]);
    });

    it("is forgotten after its time: what it had not got is lost, and what runs is aborted", async () => {
      const aborted = new Deferred();
      await using live = await serveService(adapter, {
        requests: {
          wait: (_peer, _input, { signal }) =>
            new Promise(() => signal.addEventListener("abort", () => aborted.resolve())),
        },
        limits: { absentMs: 5 },
      });
      const id = clientId();
      await using first = await open(live.url, id);
      first.say(["q", 1, "wait", null]);
      await first.request(2, "nothing");
      await first.cut();
      await aborted.promise;
      await using second = await open(live.url, id);
      expect(await second.request(1, "wait", null, first.peerId)).toMatchObject(["f", 1, { code: "lost" }]);
    });

    it("is forgotten before those that left later, where too many bytes are kept for all of them", async () => {
      await using live = await serveService(adapter, {
        requests: { wait: () => "x".repeat(1_000) },
        limits: { maxAbsentBytes: 2_500 },
      });
      const ids = [clientId(), clientId(), clientId()];
      const firsts: string[] = [];
      for (const id of ids) {
        const client = await open(live.url, id);
        firsts.push(client.peerId);
        await client.request(1, "wait");
        await client.cut();
        await expect.poll(() => live.app.spry.peers.size).toBe(0);
      }
      const answers: unknown[] = [];
      for (const [index, id] of ids.entries()) {
        await using client = await open(live.url, id);
        answers.push((await client.request(1, "wait", null, firsts[index]))[0]);
      }
      expect(answers).toEqual(["f", "r", "r"]);
    });

    it("gives each request an id of its own, the same wherever it comes", async () => {
      const ids: string[] = [];
      const requests: Parts["requests"] = {
        read: (_peer, _input, { id }) => {
          ids.push(id);
          return "read";
        },
      };
      await using live = await serveService(adapter, { requests });
      await using other = await serveService(adapter, { requests });
      const id = clientId();
      await using first = await open(live.url, id);
      await first.request(1, "read");
      await first.request(2, "read");
      await first.cut();
      await using second = await open(other.url, id);
      await second.request(1, "read", null, first.peerId);
      expect(ids[2]).toBe(ids[0]);
      expect(ids[1]).not.toBe(ids[0]);
      expect(ids.join()).not.toContain(id);
    });
  });

  describe("a conversation", () => {
    it("begins with the peer's context, and `open` holds up what follows it", async () => {
      const calls: string[] = [];
      const gate = new Deferred();
      await using live = await serveService(adapter, {
        open: async (peer) => {
          calls.push(`open ${peer.context.user}`);
          await gate.promise;
          calls.push("opened");
        },
        close: (peer, code) => void calls.push(`close ${peer.context.user} ${code}`),
        requests: { nothing: () => void calls.push("request") },
      });
      await using client = await open(live.url);
      client.say(["q", 1, "nothing", null]);
      gate.resolve();
      await client.next("r");
      client.socket.close(4000);
      await client.closed;
      await live.app.disconnected();
      expect(calls).toEqual(["open nobody", "opened", "request", "close nobody 4000"]);
    });

    it.each<[what: string, frame: string, code: number]>([
      ["no hello first", '["q",1,"nothing",null]', 4400],
      ["no frame at all", "hello", 4400],
      ["an id that anybody could guess", '["h","1",[],"2"]', 4400],
      ["another version of the contract", '["h","0123456789abcdef",[],"1"]', 4426],
      ["no version", '["h","0123456789abcdef",[]]', 4426],
    ])("that begins with %s ends", async (_what, frame, code) => {
      await using live = await serveService(adapter);
      await using client = await WireClient.connect(live.url);
      client.socket.send(frame);
      expect((await client.closed).code).toBe(code);
      expect(live.app.logged).toEqual([]);
    });

    it("that begins twice ends", async () => {
      await using live = await serveService(adapter);
      await using client = await open(live.url);
      client.say(["h", clientId(), [], "2"]);
      expect((await client.closed).code).toBe(4400);
    });

    it("that does not begin ends after its time", async () => {
      await using live = await serveService(adapter, { limits: { helloTimeoutMs: 5 } });
      await using client = await WireClient.connect(live.url);
      expect((await client.closed).code).toBe(4408);
    });

    it("has heartbeats, and answers a probe", async () => {
      await using live = await serveService(adapter, { limits: { heartbeatMs: 60 } });
      await using client = await open(live.url);
      expect(await client.frames.take(3)).toEqual([[], [], []]);
      await using quiet = await serveService(adapter);
      await using prober = await open(quiet.url);
      prober.say([]);
      expect(await prober.frames.next()).toEqual([]);
    });

    it("goes on with a new token, and ends where that is refused", async () => {
      await using live = await serveService(adapter, {
        token: (_peer, token) => {
          if (token !== "good") throw new ServiceError("bad_token");
          return Date.now() + 60_000;
        },
      });
      await using client = await open(live.url);
      client.say(["t", "good"]);
      expect(await client.request(1, "nothing")).toEqual(["r", 1]);
      client.say(["t", "bad"]);
      expect(await client.closed).toEqual({ code: 4401, reason: "the token was refused" });
      expect(live.app.logged).toEqual([]);
    });
  });

  describe("a service that goes away", () => {
    it.each(["spry.close()", "server.close()"])(
      "tells its clients when to come back, before the close frame: %s",
      async (how) => {
        const heard: unknown[] = [];
        await using live = await serveService(adapter, {
          raw: { open: (peer) => void peer.send("raw"), close: (_peer, code) => void heard.push(code) },
        });
        await using client = await open(live.url);
        await using silent = await WireClient.connect(live.url);
        await using raw = await Client.open(live.url);
        expect(await raw.next()).toBe("raw");
        raw.socket.on("message", () => heard.push("something"));
        const ended =
          how === "spry.close()"
            ? live.app.spry.close()
            : new Promise((resolve) => live.app.server.close(resolve));
        for (const { frames, closed } of [client, silent]) {
          const [kind, ms, ...others] = await frames.next();
          expect([kind, others]).toEqual(["b", []]);
          expect(ms).toBeGreaterThanOrEqual(0);
          expect(ms).toBeLessThan(500);
          expect((await closed).code).toBe(1001);
        }
        await ended;
        expect(heard).toEqual([1001]);
      },
    );

    it("says so to nobody whom it closes for another reason", async () => {
      await using live = await serveService(adapter);
      await using client = await open(live.url);
      for (const peer of live.app.spry.peers) void peer.close(4000);
      await live.app.spry.close();
      expect((await client.closed).code).toBe(4000);
      expect(client.frames.waiting).toEqual([]);
    });
  });

  describe("a client that does not speak the protocol", () => {
    it("is served by the raw hooks, byte for byte", async () => {
      const seen: string[] = [];
      await using live = await serveService(adapter, {
        raw: {
          open: (peer) => void seen.push(`open ${peer.protocol}`),
          message: (peer, message) => void peer.send(message),
          close: (_peer, code) => void seen.push(`close ${code}`),
        },
      });
      await using client = await Client.open(live.url);
      client.send('["q",1,"nothing",null]');
      expect(await client.next()).toBe('["q",1,"nothing",null]');
      client.send(Buffer.from([0, 10, 255]));
      expect(await client.next()).toEqual(Buffer.from([0, 10, 255]));
      client.socket.close(4001);
      await client.closed;
      await live.app.disconnected();
      expect(seen).toEqual(["open ", "close 4001"]);
    });

    it("is refused with 400 where there are none", async () => {
      await using live = await serveService(adapter);
      await expect(Client.open(live.url)).rejects.toThrow("400");
    });
  });
}
