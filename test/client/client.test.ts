import { setTimeout as sleep } from "node:timers/promises";
import { connect, ServiceError } from "@spry-ws/client";
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { Deferred } from "../fixtures/deferred.ts";
import { contract, open, startProcess, tokenOf, until } from "./live.ts";

describe("a client", () => {
  it("asks, and is answered; streams, and leaves; emits", async () => {
    const moved = new Deferred<unknown>();
    await using process = await startProcess({ events: { move: (_peer, input) => moved.resolve(input) } });
    using client = open(process.network.url("/"));
    expect(await client.request("run", "a")).toBe("ran a");
    expect(await client.request("nothing")).toBeUndefined();
    const counted: number[] = [];
    for await (const n of client.stream("count", 1_000_000)) {
      counted.push(n);
      if (n === 3) break;
    }
    expect(counted).toEqual([1, 2, 3]);
    expect(client.emit("move", { x: 1 })).toBe(true);
    expect(await moved.promise).toEqual({ x: 1 });
  });

  it("gets what is published, through every use of the topic, with one subscription", async () => {
    await using process = await startProcess();
    using client = open(process.network.url("/"));
    const [one, other] = [
      client.topic("rooms/:room", { room: "1" }),
      client.topic("rooms/:room", { room: "1" }),
    ];
    const heard: unknown[] = [];
    other.onItem((item) => heard.push(item));
    const iterator = one[Symbol.asyncIterator]();
    await new Promise<void>((resolve) => one.onState((state) => state === "live" && resolve()));
    expect(process.spry.metrics().topics).toBe(1);
    process.service.publish("rooms/:room", { room: "1" }, "first");
    expect(await iterator.next()).toEqual({ done: false, value: { type: "message", data: "first" } });
    expect(heard).toEqual([{ type: "message", data: "first" }]);
    one.close();
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    await client.request("nothing");
    expect(process.spry.metrics().topics).toBe(1);
    other.close();
    await client.request("nothing");
    expect(process.spry.metrics().topics).toBe(0);
  });

  it("tells of a gap after its connection was lost, and goes on", async () => {
    await using process = await startProcess();
    using client = open(process.network.url("/"));
    const room = client.topic("rooms/:room", { room: "1" })[Symbol.asyncIterator]();
    await until(client, "open");
    await client.request("nothing");
    process.network.cut();
    expect(await room.next()).toEqual({ done: false, value: { type: "gap" } });
    process.service.publish("rooms/:room", { room: "1" }, "after");
    expect(await room.next()).toEqual({ done: false, value: { type: "message", data: "after" } });
  });

  it("has a gap in place of items that wait to be read, where they are too many", async () => {
    await using process = await startProcess();
    using client = open(process.network.url("/"), { maxItems: 3 });
    const room = client.topic("rooms/:room", { room: "1" });
    const loop = room[Symbol.asyncIterator]();
    await new Promise<void>((resolve) => room.onState((state) => state === "live" && resolve()));
    for (let n = 1; n <= 4; n++) process.service.publish("rooms/:room", { room: "1" }, String(n));
    await client.request("nothing");
    expect((await loop.next()).value).toEqual({ type: "gap" });
    expect((await loop.next()).value).toEqual({ type: "message", data: "4" });
    expect(room.position).toBeUndefined();
  });

  it("is told that a topic is not for it", async () => {
    await using process = await startProcess({ topics: { "rooms/:room": { subscribe: () => false } } });
    using client = open(process.network.url("/"));
    const room = client.topic("rooms/:room", { room: "1" });
    const states: string[] = [];
    room.onState((state) => states.push(state));
    await until(client, "open");
    await client.request("nothing");
    expect(states).toEqual(["refused"]);
    expect(room.state).toBe("refused");
  });

  it("is told by an error what the service made of a request", async () => {
    await using process = await startProcess({
      requests: {
        run: () => {
          throw new ServiceError("room_full", "The room is full");
        },
      },
    });
    using client = open(process.network.url("/"));
    await expect(client.request("run", "a")).rejects.toMatchObject({
      code: "room_full",
      message: "The room is full",
    });
    await expect(client.request("run", 1 as never)).rejects.toMatchObject({
      code: "invalid",
      issues: [{ message: expect.any(String) }],
    });
    await expect(client.request("jump" as "run", "a")).rejects.toMatchObject({ code: "unknown" });
    await expect(client.request("run", 1n as never)).rejects.toMatchObject({ code: "invalid" });
    expect(await client.request("nothing")).toBeUndefined();
  });

  it("is told of an event that the service did not take", async () => {
    await using process = await startProcess();
    const told = new Deferred<ServiceError>();
    using client = open(process.network.url("/"), { onError: told.resolve });
    await until(client, "open");
    client.emit("move", { x: "1" as never });
    expect(await told.promise).toMatchObject({ code: "invalid", issues: [{ path: ["x"] }] });
  });

  it("ends for good by close(), and what waits rejects", async () => {
    await using process = await startProcess();
    const client = open(process.network.url("/"));
    const room = client.topic("rooms/:room", { room: "1" })[Symbol.asyncIterator]();
    await client.request("nothing");
    const waiting = client.request("wait");
    const item = room.next();
    client.close();
    await expect(waiting).rejects.toMatchObject({ code: "closed" });
    await expect(item).rejects.toMatchObject({ code: "closed" });
    await expect(client.request("nothing")).rejects.toMatchObject({ code: "closed" });
    await expect(client.stream("count", 1).next()).rejects.toMatchObject({ code: "closed" });
    expect(client.emit("move", { x: 1 })).toBe(false);
    expect(client.status).toMatchObject({ state: "closed", code: 1000 });
  });

  it.each<[what: string, url: string, error: RegExp]>([
    ["a path outside of a page", "/live", /outside of a page write all of it/],
    ["what is no URL", "http://", /No URL: http:/],
  ])("refuses %s at once", (_what, url, error) => {
    expect(() => connect(url, { WebSocket: WebSocket as never })).toThrow(error);
  });

  it("makes ws: of http:", async () => {
    await using process = await startProcess();
    using client = open(process.network.url("/", "http"));
    expect(await client.request("run", "a")).toBe("ran a");
  });
});

describe("a request", () => {
  it("that is over its time, or aborted, rejects at once, and the service is told", async () => {
    const aborted: string[] = [];
    await using process = await startProcess({
      requests: {
        wait: (_peer, _input, { signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener("abort", () => {
              aborted.push("wait");
              reject(signal.reason);
            });
          }),
      },
    });
    using client = open(process.network.url("/"));
    await until(client, "open");
    await expect(client.request("wait", undefined, { timeoutMs: 5 })).rejects.toMatchObject({
      code: "timeout",
    });
    const controller = new AbortController();
    const asked = client.request("wait", undefined, { signal: controller.signal });
    controller.abort();
    await expect(asked).rejects.toMatchObject({ code: "aborted" });
    await client.request("nothing");
    expect(aborted).toEqual(["wait", "wait"]);
    await expect(client.request("wait", undefined, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "aborted",
    });
  });

  it("may have more time than a timer can wait", async () => {
    await using process = await startProcess();
    using client = open(process.network.url("/"));
    const asked = client.request("wait", undefined, { timeoutMs: Infinity });
    await client.request("nothing");
    await sleep(20);
    process.gate.resolve("at last");
    expect(await asked).toBe("at last");
  });

  it("that is over its time while there is no connection is never sent", async () => {
    await using process = await startProcess();
    process.network.goDown();
    using client = open(process.network.url("/"));
    await expect(client.request("run", "late", { timeoutMs: 5 })).rejects.toMatchObject({ code: "timeout" });
    const second = client.request("run", "in time");
    process.network.mend();
    expect(await second).toBe("ran in time");
    expect(process.ran).toEqual(["in time"]);
  });

  it("is one too many where more wait for a connection than may", async () => {
    await using process = await startProcess();
    process.network.goDown();
    using client = open(process.network.url("/"), { maxWaiting: 2 });
    const waiting = [client.request("run", "1"), client.request("run", "2")];
    await expect(client.request("run", "3")).rejects.toMatchObject({ code: "full" });
    process.network.mend();
    expect(await Promise.all(waiting)).toEqual(["ran 1", "ran 2"]);
  });

  it("runs once though its answer is lost", async () => {
    await using process = await startProcess();
    using client = open(process.network.url("/"));
    await until(client, "open");
    process.network.swallow("down");
    const asked = client.request("run", "a");
    await expect.poll(() => process.network.swallowedBytes).toBeGreaterThan(0);
    process.network.cut();
    process.network.mend();
    expect(await asked).toBe("ran a");
    expect(process.ran).toEqual(["a"]);
  });

  it("that never came to the process is run by it, once", async () => {
    await using process = await startProcess();
    using client = open(process.network.url("/"));
    await until(client, "open");
    process.network.swallow("up");
    const asked = client.request("run", "a");
    await expect.poll(() => process.network.swallowedBytes).toBeGreaterThan(0);
    process.network.cut();
    process.network.mend();
    expect(await asked).toBe("ran a");
    expect(process.ran).toEqual(["a"]);
  });

  it("is lost where another process cannot know whether it ran, and asked again where it is repeatable", async () => {
    await using one = await startProcess();
    await using other = await startProcess();
    let url = one.network.url("/");
    using client = open(() => url);
    await until(client, "open");
    one.network.swallow("down");
    const asked = [client.request("run", "a"), client.request("read", "b")];
    await expect.poll(() => one.network.swallowedBytes).toBeGreaterThan(0);
    url = other.network.url("/");
    one.network.goDown();
    await expect(asked[0]).rejects.toMatchObject({ code: "lost" });
    expect(await asked[1]).toBe("ran b");
    expect(other.ran).toEqual(["b"]);
  });

  it("of which many are lost and asked again all run once, in one process", async () => {
    await using process = await startProcess();
    using client = open(process.network.url("/"));
    const asked = Array.from({ length: 200 }, async (_, n) => {
      await new Promise((resolve) => setTimeout(resolve, n));
      return client.request("run", String(n));
    });
    for (let cut = 0; cut < 20; cut++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      process.network.cut();
    }
    const answers = await Promise.all(asked);
    expect(answers).toEqual(answers.map((_, n) => `ran ${n}`));
    expect(process.ran.toSorted()).toEqual(answers.map((_, n) => String(n)).toSorted());
  });
});

describe("a stream", () => {
  it("ends with its connection, as nobody knows what it had yet to bring", async () => {
    await using process = await startProcess({
      requests: {
        async *count(_peer, _to, { signal }) {
          yield 1;
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
        },
      },
    });
    using client = open(process.network.url("/"));
    const stream = client.stream("count", 2);
    expect(await stream.next()).toEqual({ done: false, value: 1 });
    process.network.cut();
    await expect(stream.next()).rejects.toMatchObject({ code: "lost" });
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  it("waits for a connection", async () => {
    await using process = await startProcess();
    process.network.goDown();
    using client = open(process.network.url("/"));
    const first = client.stream("count", 1).next();
    process.network.mend();
    expect(await first).toEqual({ done: false, value: 1 });
  });
});

describe("a status", () => {
  it("tells what the client does, and why", async () => {
    await using process = await startProcess();
    using client = open(process.network.url("/"));
    const states: string[] = [];
    client.onStatus(({ state, code }) => states.push(code === undefined ? state : `${state} ${code}`));
    expect(client.status).toEqual({ state: "connecting" });
    await until(client, "open");
    process.network.cut();
    await until(client, "waiting");
    expect(client.status.retryAt).toBeGreaterThan(Date.now() - 1_000);
    await until(client, "open");
    client.close();
    expect(states).toEqual(["open", "waiting 1006", "connecting 1006", "open", "closed 1000"]);
  });

  it.each([1000, 1002, 1003, 1007, 1008, 1009, 1010, 4400, 4403, 4426, 4499])(
    "is closed after %i: coming back is of no use",
    async (code) => {
      await using process = await startProcess({ open: (peer) => void peer.close(code, "no") });
      using client = open(process.network.url("/"));
      const asked = client.request("wait");
      await expect(asked).rejects.toMatchObject({
        code: "closed",
        message: expect.stringContaining(String(code)),
      });
      expect(client.status).toEqual({ state: "closed", code, reason: "no" });
    },
  );

  it.each([1001, 1011, 1012, 1013, 4000, 4399, 4408, 4425, 4429, 4500])(
    "is waiting after %i",
    async (code) => {
      let isFirst = true;
      await using process = await startProcess({
        open: (peer) => {
          if (isFirst) void peer.close(code, "later");
          isFirst = false;
        },
      });
      using client = open(process.network.url("/"));
      await until(client, "waiting");
      expect(client.status).toMatchObject({ code, reason: "later" });
      expect(await client.request("run", "a")).toBe("ran a");
    },
  );
});

describe("a refused handshake", () => {
  it.each<[status: number, reason: string]>([
    [400, "Bad Request"],
    [403, "Forbidden"],
    [404, "Not Found"],
    [409, "Conflict"],
    [426, "Upgrade Required"],
  ])("is the end after %i", async (status, reason) => {
    await using process = await startProcess({ upgrade: () => new Response(null, { status }) });
    using client = open(process.network.url("/"));
    const states: string[] = [];
    client.onStatus(({ state }) => states.push(state));
    const code = 4_000 + status;
    const message = `closed: ${code} ${reason}`;
    await expect(client.request("wait")).rejects.toMatchObject({ code: "closed", message });
    expect(client.status).toEqual({ state: "closed", code, reason });
    // Nobody was greeted.
    expect(states).toEqual(["closed"]);
    expect(process.spry.metrics()).toMatchObject({ accepted: 0, refused: { hook: 1 } });
  });

  it.each<[status: number, reason: string]>([
    [408, "Request Timeout"],
    [425, "Too Early"],
    [429, "Too Many Requests"],
    [500, "Internal Server Error"],
    [503, "Service Unavailable"],
  ])("is tried again after %i", async (status, reason) => {
    let isFirst = true;
    await using process = await startProcess({
      upgrade: () => {
        if (!isFirst) return undefined;
        isFirst = false;
        return new Response(null, { status });
      },
    });
    using client = open(process.network.url("/"));
    await until(client, "waiting");
    expect(client.status).toMatchObject({ code: 4_000 + status, reason });
    expect(await client.request("run", "a")).toBe("ran a");
  });

  it("has a new token got after 401, once", async () => {
    await using process = await startProcess({
      upgrade: (event) => (tokenOf(event).token === "new" ? undefined : new Response(null, { status: 401 })),
    });
    const got: string[] = [];
    const tokenFrom = (tokens: string[]) => () => {
      const token = tokens.shift() ?? "none";
      got.push(token);
      return token;
    };
    using client = open(process.network.url("/"), { token: tokenFrom(["old", "new"]) });
    expect(await client.request("run", "a")).toBe("ran a");
    using stranger = open(process.network.url("/"), { token: tokenFrom(["older", "oldest"]) });
    await until(stranger, "closed");
    expect(stranger.status).toEqual({ state: "closed", code: 4401, reason: "Unauthorized" });
    expect(got).toEqual(["old", "new", "older", "oldest"]);
    using nobody = open(process.network.url("/"));
    await until(nobody, "closed");
    expect(nobody.status.code).toBe(4401);
  });
});

describe("a request that is given up while a new connection is being opened", () => {
  it.each(["timeout", "aborted"])(
    "fails with %s, and its handler is told on that connection",
    async (code) => {
      const runs = [1, 2].map(() => ({ began: new Deferred(), aborted: new Deferred() }));
      let count = 0;
      await using process = await startProcess({
        requests: {
          async wait(_peer, _input, { signal }) {
            const run = runs[count++];
            signal.addEventListener("abort", () => run?.aborted.resolve());
            run?.began.resolve();
            return new Promise<string>(() => {});
          },
        },
      });
      using client = open(process.network.url("/"), { openTimeoutMs: 60_000 });
      // One before it that is still wanted: no confirmation tells of it.
      const first = client.request("wait", undefined, { timeoutMs: 0 });
      const abort = new AbortController();
      const options = code === "timeout" ? { timeoutMs: 300 } : { signal: abort.signal };
      const second = client.request("wait", undefined, options);
      const failed = expect(second).rejects.toMatchObject({ code });
      await runs[1]?.began.promise;
      process.network.freeze("up");
      process.network.cut();
      await until(client, "waiting");
      await until(client, "connecting");
      await expect.poll(() => process.network.connections).toBe(1);
      abort.abort();
      await failed;
      process.network.mend();
      await runs[1]?.aborted.promise;
      expect(count).toBe(2);
      client.close();
      await expect(first).rejects.toMatchObject({ code: "closed" });
    },
  );
});

describe("a service that goes away", () => {
  const frame = (ms: number) => JSON.stringify(["b", ms]);

  it("is come back to when it said so, not before", async () => {
    let isFirst = true;
    await using process = await startProcess({
      open: (peer) => {
        if (isFirst) peer.send(frame(150));
        isFirst = false;
      },
    });
    using client = open(process.network.url("/"));
    const states: string[] = [];
    client.onStatus(({ state, code }) => states.push(`${state} ${code}`));
    await until(client, "waiting");
    const toldAt = Date.now();
    expect(client.status).toMatchObject({ code: 1001, reason: "going away" });
    expect(client.status.retryAt).toBeGreaterThanOrEqual(toldAt + 100);
    expect(client.status.retryAt).toBeLessThanOrEqual(toldAt + 225);
    expect(await client.request("run", "a")).toBe("ran a");
    // A timer may be early by a millisecond.
    expect(Date.now() - toldAt).toBeGreaterThanOrEqual(100);
    expect(states).toEqual(["open undefined", "waiting 1001", "connecting 1001", "open undefined"]);
  });

  it("for longer than a timer can wait is not come back to at once", async () => {
    let opened = 0;
    await using process = await startProcess({
      open: (peer) => {
        opened++;
        peer.send(frame(2 ** 31));
      },
    });
    using client = open(process.network.url("/"));
    await until(client, "waiting");
    await sleep(50);
    expect([client.status.state, opened]).toEqual(["waiting", 1]);
  });

  it("refuses with a Retry-After: the status says why, and when", async () => {
    const response = () => new Response("", { status: 503, headers: { "Retry-After": "60" } });
    await using process = await startProcess({ upgrade: response });
    using client = open(process.network.url("/"));
    await until(client, "waiting");
    expect(client.status).toMatchObject({ code: 4503, reason: "Service Unavailable" });
    expect(client.status.retryAt).toBeGreaterThan(Date.now() + 50_000);
    expect(client.status.retryAt).toBeLessThanOrEqual(Date.now() + 90_000);
  });

  it("has its requests run by the process that takes its place", async () => {
    await using one = await startProcess();
    await using other = await startProcess();
    let url = one.network.url("/");
    using client = open(() => url);
    await until(client, "open");
    url = other.network.url("/");
    void one.spry.close();
    await until(client, "waiting");
    expect(client.status).toMatchObject({ code: 1001, reason: "going away" });
    expect(await client.request("run", "a")).toBe("ran a");
    expect(other.ran).toEqual(["a"]);
  });
});

describe("a token", () => {
  it("is got once, and again when it was refused", async () => {
    const tokens = ["old", "new"];
    const seen: (string | undefined)[] = [];
    await using process = await startProcess({
      upgrade: (event) => {
        seen.push(tokenOf(event).token);
      },
      open: (peer) => {
        if (tokenOf(peer).token === "old") void peer.close(3000, "credentials expired");
      },
    });
    let calls = 0;
    using client = open(process.network.url("/"), { token: async () => tokens[calls++] ?? "none" });
    expect(await client.request("run", "a")).toBe("ran a");
    process.network.cut();
    await until(client, "waiting");
    expect(await client.request("run", "b")).toBe("ran b");
    expect(seen).toEqual(["old", "new", "new"]);
    expect(calls).toBe(2);
  });

  it("that is refused twice ends the client", async () => {
    let calls = 0;
    await using process = await startProcess({ upgrade: () => {}, open: (peer) => void peer.close(4401) });
    using client = open(process.network.url("/"), { token: () => `token${++calls}` });
    await until(client, "closed");
    expect(client.status.code).toBe(4401);
    expect(calls).toBe(2);
  });

  it("that cannot be got is tried again", async () => {
    await using process = await startProcess();
    let calls = 0;
    using client = open(process.network.url("/"), {
      token: async () => {
        if (++calls < 3) throw new Error("no network");
        return "token";
      },
    });
    expect(await client.request("run", "a")).toBe("ran a");
    expect(calls).toBe(3);
  });

  it("is renewed on the connection there is", async () => {
    const renewed: string[] = [];
    await using process = await startProcess({
      token: (_peer, token) => {
        renewed.push(token);
        return undefined;
      },
    });
    let calls = 0;
    using client = open(process.network.url("/"), { token: () => `token${++calls}` });
    await until(client, "open");
    await client.renewToken();
    await client.request("nothing");
    expect(renewed).toEqual(["token2"]);
  });
});

describe("a contract", () => {
  it("of another version than the page's ends the client with 4426", async () => {
    await using process = await startProcess();
    using client = open(process.network.url("/"), { version: "2" });
    // This contract has no version: any page will do.
    expect(await client.request("run", "a")).toBe("ran a");
    expect(contract).not.toHaveProperty("version");
  });
});
