import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { Hooks, SpryWs } from "@spry-ws/core";
import express5 from "express";
import express4 from "express4";
import Koa3 from "koa";
import Koa2 from "koa2";
import { describe, expect, it } from "vitest";
import { Client } from "../fixtures/client.ts";
import { type ListeningServer, listen } from "../fixtures/listen.ts";
import { handshake, RawClient } from "../fixtures/raw.ts";
import { frameworks } from "./fixtures/frameworks.ts";
import { chat, converse, get, open } from "./fixtures/open.ts";
import { type AppSpec, expressApp, httpApp, koaApp, type Part } from "./fixtures/two-apps.ts";

const makers: Record<string, (spec: AppSpec) => Part> = {
  "express 4": (spec) => expressApp(express4, spec),
  "express 5": (spec) => expressApp(express5, spec),
  "koa 2": (spec) => koaApp(Koa2, spec),
  "koa 3": (spec) => koaApp(Koa3, spec),
  "node:http": (spec) => {
    const { listener, spry } = httpApp(spec);
    const routed: RequestListener = (request, response) => {
      if (request.url === "/chat") listener(request, response);
      else response.writeHead(404).end();
    };
    return { listener: routed, spry };
  },
};

/** What a server object has of its own, and how many listen to it. */
function traces(server: Server): unknown {
  return {
    methods: ["emit", "close"].filter((name) => Object.hasOwn(server, name)),
    listeners: server.eventNames().map((name) => [name, server.listenerCount(name)]),
  };
}

/** A server whose app is replaced while it listens. */
class SwappedServer {
  readonly server: Server = createServer();
  /** How often a `request` has come to an app. */
  requests = 0;
  spry: SpryWs | undefined;
  #listener: RequestListener | undefined;

  /** Takes the old app off, and puts the new one on. */
  replace({ listener, spry }: Part): SpryWs | undefined {
    const old = this.spry;
    if (this.#listener) this.server.removeListener("request", this.#listener);
    this.#listener = (request, response) => {
      this.requests++;
      listener(request, response);
    };
    this.server.on("request", this.#listener);
    this.spry = spry;
    return old;
  }
}

const generation = (name: string): Hooks => ({ open: (peer) => peer.send(name) });

async function expectWorking(
  swapped: SwappedServer,
  listening: ListeningServer,
  name: string,
): Promise<void> {
  const before = swapped.requests;
  await using client = await Client.open(listening.url("/chat"));
  expect(await client.next()).toBe(name);
  using unknown = await RawClient.connect(listening.port, handshake({ target: "/unknown" }));
  expect((await unknown.response()).status).toBe(404);
  expect(swapped.requests - before).toBe(2);
}

describe.each(Object.entries(makers))("an app that is replaced on its server: %s", (_name, make) => {
  describe.each(["attached", "not attached"])("%s", (how) => {
    it.each([
      ["closed before the new one is there", true],
      ["closed when the new one is there", false],
    ])("gets its handshakes, and 15 old ones leave nothing: %s", async (_when, isClosedFirst) => {
      const warnings: Error[] = [];
      const onWarning = (warning: Error): number => warnings.push(warning);
      process.on("warning", onWarning);
      const swapped = new SwappedServer();
      await using listening = await listen(swapped.server);
      const pristine = traces(swapped.server);
      for (let i = 0; i < 15; i++) {
        const part = make({ hooks: generation(`app ${i}`) });
        if (isClosedFirst) await swapped.spry?.close();
        const old = swapped.replace(part);
        if (how === "attached") part.spry.attach(swapped.server);
        await old?.close();
        // Node has given the first handshake to `request`, where the server was not known.
        if (how !== "attached") await converseOnce(listening, `app ${i}`);
        await expectWorking(swapped, listening, `app ${i}`);
        expect(swapped.server.listenerCount("upgrade")).toBe(1);
      }
      await swapped.spry?.close();
      swapped.server.removeAllListeners("request");
      expect(traces(swapped.server)).toEqual(pristine);
      process.off("warning", onWarning);
      expect(warnings).toEqual([]);
    });
  });

  it("serves the new app while peers of the old one are still there", async () => {
    const swapped = new SwappedServer();
    await using listening = await listen(swapped.server);
    swapped.replace(make({ hooks: generation("old"), options: { closeTimeoutMs: 0 } }));
    swapped.spry?.attach(swapped.server);
    using lasting = await RawClient.connect(listening.port, handshake({ target: "/chat" }));
    await lasting.response();
    const old = swapped.replace(make({ hooks: generation("new") }));
    const closed = old?.close();
    await lasting.closeFrame(); // It never answers.
    await expectWorking(swapped, listening, "new");
    lasting.reset();
    await closed;
    await expectWorking(swapped, listening, "new");
    await swapped.spry?.close();
  });
});

async function converseOnce(listening: ListeningServer, name: string): Promise<void> {
  await using client = await Client.open(listening.url("/chat"));
  expect(await client.next()).toBe(name);
}

describe.each(frameworks)("a closed instance: $name", (framework) => {
  it("leaves the server as it was; its own routes answer 503, others and plain requests as ever", async () => {
    await using site = await open(framework, { parts: [{ path: "/chat", hooks: chat }] });
    await converse(site.url("/chat"));
    const before = await get(site.httpUrl("/chat"));
    await site.spry.close();
    expect(traces(site.server)).toMatchObject({ methods: [] });
    expect(site.server.listenerCount("upgrade")).toBe(0);
    using late = await RawClient.connect(site.port, handshake({ target: "/chat" }));
    const refusal = await late.response();
    expect([refusal.status, refusal.headers["retry-after"]]).toEqual([503, "1"]);
    expect(site.spry.metrics().refused.closing).toBe(1);
    expect(await get(site.httpUrl("/chat"))).toEqual(before);
    site.spry.attach(site.server);
    expect(site.server.listenerCount("upgrade")).toBe(0);
  });

  it("leaves alone what somebody else has put over it, and can be followed by another", async () => {
    const seen: unknown[] = [];
    await using site = await open(framework, { parts: [{ path: "/chat", hooks: chat }] });
    const { emit } = site.server;
    const theirs = ((...args: unknown[]) => {
      seen.push(args[0]);
      return Reflect.apply(emit, site.server, args);
    }) as Server["emit"];
    site.server.emit = theirs;
    await site.spry.close();
    expect(site.server.emit).toBe(theirs);
    site.server.removeAllListeners("request");
    const next = httpApp({ hooks: chat });
    site.server.on("request", next.listener);
    next.spry.attach(site.server);
    await converse(site.url("/chat"));
    expect(seen.filter((name) => name === "upgrade")).toHaveLength(1);
    await next.spry.close();
    expect(site.server.emit).toBe(theirs);
  });
});

// Fastify's server is closed for good.
describe.each(frameworks.filter(({ name }) => name !== "fastify 5"))("$name", (framework) => {
  it("takes handshakes again when its server listens again", async () => {
    await using site = await open(framework, { parts: [{ path: "/chat", hooks: chat }] });
    site.server.close();
    await once(site.server, "close");
    site.server.listen(site.port, "127.0.0.1");
    await once(site.server, "listening");
    await converse(site.url("/chat"));
  });
});
