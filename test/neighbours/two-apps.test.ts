import { once } from "node:events";
import { createServer } from "node:http";
import type { Hooks, SpryWs, SpryWsOptions } from "@spry-ws/core";
import { spryWs, ws } from "@spry-ws/express";
import express, { type ErrorRequestHandler } from "express";
import { describe, expect, it } from "vitest";
import { Client } from "../fixtures/client.ts";
import { Deferred } from "../fixtures/deferred.ts";
import { type ListeningServer, listen } from "../fixtures/listen.ts";
import { handshake, RawClient } from "../fixtures/raw.ts";
import { type AppSpec, type Arrangement, arrangements, type Place } from "./fixtures/two-apps.ts";

/** One of the two apps, as its clients and its owner see it. */
interface RunningApp {
  readonly spry: SpryWs;
  open(): Promise<Client>;
  raw(headers?: Record<string, string>): Promise<RawClient>;
}

interface Running extends AsyncDisposable {
  readonly listening: ListeningServer;
  readonly apps: readonly [RunningApp, RunningApp];
}

async function run({ build, places }: Arrangement, first: AppSpec, second: AppSpec): Promise<Running> {
  const { server, instances } = await build(first, second);
  const listening = await listen(server);
  const running = (spry: SpryWs, { target, host }: Place): RunningApp => {
    const own = host === undefined ? {} : { Host: host };
    return {
      spry,
      open: () => Client.open(listening.url(target), { headers: own }),
      raw: (headers) =>
        RawClient.connect(listening.port, handshake({ target, headers: { ...own, ...headers } })),
    };
  };
  return {
    listening,
    apps: [running(instances[0], places[0]), running(instances[1], places[1])],
    async [Symbol.asyncDispose]() {
      await Promise.all(instances.map((instance) => instance.close({ deadlineMs: 0 })));
      await listening[Symbol.asyncDispose]();
    },
  };
}

const echo: Hooks = { message: (peer, message) => void peer.send(message) };

/** One of the two orders in which the apps can be what a test needs, so that none passes by chance. */
const orders = [
  [0, 1],
  [1, 0],
] as const;

describe.each(arrangements)("two apps on one server: $name", (arrangement) => {
  /** Both with the same hooks, one of them with options. */
  async function withOptions(
    which: 0 | 1,
    options: SpryWsOptions,
    hooks: Hooks = echo,
  ): Promise<Running & { readonly one: RunningApp; readonly other: RunningApp }> {
    const specs: [AppSpec, AppSpec] = [{ hooks }, { hooks }];
    specs[which] = { hooks, options };
    const running = await run(arrangement, ...specs);
    return { ...running, one: running.apps[which], other: running.apps[which === 0 ? 1 : 0] };
  }

  it("have peers, topics and counts of their own", async () => {
    const hooks: Hooks = {
      open(peer) {
        peer.subscribe("room");
        peer.send("in");
      },
      message: (peer, message) => peer.publish("room", message),
    };
    await using running = await run(arrangement, { hooks }, { hooks });
    const clients: Client[][] = [];
    for (const { open } of running.apps) clients.push([await open(), await open()]);
    for (const client of clients.flat()) expect(await client.next()).toBe("in");
    for (const [i, { spry }] of running.apps.entries()) {
      spry.publish("room", `from the instance ${i}`);
      clients[i]?.[0]?.send(`from a peer of ${i}`);
    }
    for (const [i, [first, second]] of clients.entries()) {
      expect(await first?.next()).toBe(`from the instance ${i}`);
      expect([await second?.next(), await second?.next()]).toEqual([
        `from the instance ${i}`,
        `from a peer of ${i}`,
      ]);
    }
    for (const { spry } of running.apps) {
      expect(spry.metrics()).toMatchObject({ peers: 2, topics: 1, accepted: 2, pendingHandshakes: 0 });
    }
    for (const client of clients.flat()) await client[Symbol.asyncDispose]();
  });

  it.each(orders)("have origin policies of their own (%s)", async (which) => {
    await using running = await withOptions(which, { origin: "*" });
    const foreign = { Origin: "https://elsewhere.example" };
    using allowed = await running.one.raw(foreign);
    expect((await allowed.response()).status).toBe(101);
    using refused = await running.other.raw(foreign);
    expect((await refused.response()).status).toBe(403);
    expect(running.other.spry.metrics().refused.origin).toBe(1);
  });

  it.each(orders)("have limits of their own (%s)", async (which) => {
    await using running = await withOptions(which, { maxPayload: 10, maxPeers: 1 });
    await using bounded = await running.one.open();
    await using free = await running.other.open();
    await using another = await running.other.open();
    using late = await running.one.raw();
    expect((await late.response()).status).toBe(503);
    for (const client of [bounded, free, another]) client.send("more than 10 bytes");
    expect([await free.next(), await another.next()]).toEqual(["more than 10 bytes", "more than 10 bytes"]);
    expect((await bounded.closed).code).toBe(1009);
    expect([running.one, running.other].map(({ spry }) => spry.metrics().refused.maxPeers)).toEqual([1, 0]);
  });

  it.each(orders)("have time for their handshakes of their own (%s)", async (which) => {
    const gate = new Deferred();
    await using running = await withOptions(
      which,
      { handshakeTimeoutMs: 30 },
      { upgrade: () => gate.promise },
    );
    using patient = await running.other.raw();
    using bounded = await running.one.raw();
    expect((await bounded.response()).status).toBe(408);
    gate.resolve();
    expect((await patient.response()).status).toBe(101);
    expect([running.one, running.other].map(({ spry }) => spry.metrics().refused.timeout)).toEqual([1, 0]);
  });

  it.each(orders)("report errors of their own (%s)", async (which) => {
    const reported = new Deferred<unknown>();
    const hooks: Hooks = { message: () => Promise.reject(new Error("hook failed")) };
    await using running = await withOptions(which, { onError: (error) => reported.resolve(error) }, hooks);
    await using client = await running.one.open();
    client.send("x");
    expect(await reported.promise).toMatchObject({ message: "hook failed" });
    expect((await client.closed).code).toBe(1011);
    expect([running.one, running.other].map(({ spry }) => spry.metrics().terminated.hookError)).toEqual([
      1, 0,
    ]);
  });

  it.each(orders)("close on their own, with the handshakes of each (%s)", async (which) => {
    const gate = new Deferred();
    const waiting = [new Deferred(), new Deferred()];
    let calls = 0;
    const upgrade = (): Promise<void> | undefined => {
      if (calls++ < 2) return undefined;
      waiting[calls - 3]?.resolve();
      return gate.promise;
    };
    await using running = await withOptions(which, {}, { ...echo, upgrade });
    const { one, other } = running;
    await using leaving = await one.open();
    await using staying = await other.open();
    using refused = await one.raw();
    await waiting[0]?.promise;
    using pending = await other.raw();
    await waiting[1]?.promise;
    await one.spry.close({ code: 4000 });
    expect((await leaving.closed).code).toBe(4000);
    expect((await refused.response()).status).toBe(503);
    gate.resolve();
    expect((await pending.response()).status).toBe(101);
    staying.send("still here");
    expect(await staying.next()).toBe("still here");
    using late = await one.raw();
    expect((await late.response()).status).toBe(503);
    await using next = await other.open();
    next.send("x");
    expect(await next.next()).toBe("x");
    expect(other.spry.peers.size).toBe(3);
  });

  it("close both with the server", async () => {
    await using running = await run(arrangement, { hooks: echo }, { hooks: echo });
    await using first = await running.apps[0].open();
    await using second = await running.apps[1].open();
    running.listening.server.close();
    expect([(await first.closed).code, (await second.closed).code]).toEqual([1001, 1001]);
  });
});

describe("which of several instances a handshake belongs to", () => {
  it("is an error where it has passed none of them, and not that of the first", async () => {
    const app = express();
    const errors: unknown[] = [];
    app.get("/chat", ws(echo));
    const onError: ErrorRequestHandler = (error, _request, response, _next) => {
      errors.push(error);
      response.status(500).end();
    };
    app.use(onError);
    const server = createServer(app);
    const instances = [spryWs(), spryWs()];
    for (const spry of instances) spry.attach(server);
    await using listening = await listen(server);
    using client = await RawClient.connect(listening.port, handshake({ target: "/chat?token=secret" }));
    expect((await client.response()).status).toBe(500);
    const [error] = errors as Error[];
    expect(error).toMatchObject({
      code: "SPRY_WS_NOT_REGISTERED",
      message: expect.stringContaining(
        "for /chat reached ws(hooks), but has passed none of the spryWs() of this server",
      ),
    });
    expect(error?.message).not.toContain("secret");
    expect(instances.map(({ peers }) => peers.size)).toEqual([0, 0]);
  });

  it("is clear where it has passed none, and the other one has been closed", async () => {
    const app = express();
    app.get("/chat", ws(echo));
    const server = createServer(app);
    const [closed, spry] = [spryWs(), spryWs()];
    for (const one of [closed, spry]) one.attach(server);
    await closed.close();
    await using listening = await listen(server);
    await using client = await Client.open(listening.url("/chat"));
    client.send("x");
    expect(await client.next()).toBe("x");
    expect(spry.peers.size).toBe(1);
  });

  it("stays open until the last: one that is on its way to another outlives the closing of the one it has passed", async () => {
    const [gate, reached] = [new Deferred(), new Deferred()];
    const [outer, inner] = [express(), express()];
    const [first, second] = [spryWs(), spryWs()];
    outer.use(first);
    outer.use("/inner", async (_request, _response, next) => {
      reached.resolve();
      await gate.promise;
      next();
    });
    outer.use("/inner", inner);
    inner.use(second);
    inner.ws("/chat", echo);
    const server = createServer(outer);
    for (const spry of [first, second]) spry.attach(server);
    await using listening = await listen(server);
    await using client = new Client(listening.url("/inner/chat"));
    await reached.promise;
    await first.close();
    gate.resolve();
    await once(client.socket, "open");
    expect([first.metrics(), second.metrics()]).toMatchObject([
      { peers: 0, accepted: 0, pendingHandshakes: 0 },
      { peers: 1, accepted: 1, pendingHandshakes: 0 },
    ]);
  });

  it("counts for the limits of the one alone that it reaches", async () => {
    const gates = [new Deferred(), new Deferred()];
    const [outer, inner] = [express(), express()];
    const [first, second] = [spryWs({ maxPeers: 1 }), spryWs()];
    outer.use(first);
    const arrived = [new Deferred(), new Deferred()];
    let calls = 0;
    inner.use(async (_request, _response, next) => {
      const i = calls++;
      arrived[i]?.resolve();
      await gates[i]?.promise;
      next();
    });
    inner.use(second);
    inner.ws("/chat", echo);
    outer.use("/inner", inner);
    outer.ws("/chat", echo);
    const server = createServer(outer);
    for (const spry of [first, second]) spry.attach(server);
    await using listening = await listen(server);
    await using waiting = new Client(listening.url("/inner/chat"));
    await arrived[0]?.promise;
    await using client = await Client.open(listening.url("/chat"));
    expect(client.socket.readyState).toBe(1);
    gates[0]?.resolve();
    await once(waiting.socket, "open");
    expect([first.peers.size, second.peers.size]).toEqual([1, 1]);
  });
});
