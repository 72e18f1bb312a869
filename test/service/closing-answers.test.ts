import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { defineContract } from "@spry-ws/contract";
import { createSpryWs } from "@spry-ws/core";
import { createService } from "@spry-ws/service";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { clientId, WireClient } from "../fixtures/wire-client.ts";

const contract = defineContract({
  requests: {
    slow: { input: z.number(), output: z.string() },
    endless: { stream: z.string() },
  },
});

async function serve() {
  const spry = createSpryWs();
  const ran: number[] = [];
  const service = createService(spry, contract, {
    requests: {
      async slow(_peer, ms) {
        ran.push(ms);
        await sleep(ms, undefined, { ref: false });
        return `after ${ms}`;
      },
      async *endless() {
        yield "first";
        await new Promise(() => {});
      },
    },
  });
  const server = createServer(spry.handler(service));
  spry.attach(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    await spry.close({ deadlineMs: 0 });
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const connect = async () => {
    const client = await WireClient.connect(`ws://127.0.0.1:${port}/`);
    client.say(["h", clientId(), []]);
    await client.next("h");
    return client;
  };
  const until = async (count: number) => {
    while (ran.length < count) await sleep(5);
  };
  return { spry, server, connect, ran, until };
}

/** The frames until the connection ends, without heartbeats. */
async function rest(client: WireClient): Promise<unknown[]> {
  await client.closed;
  return [...client.frames.waiting];
}

describe("a service that ends", () => {
  it.each(["spry.close()", "server.close()"] as const)(
    "answers what is under way before its close frame: %s",
    async (how) => {
      const { spry, server, connect, until } = await serve();
      const client = await connect();
      client.say(["q", 1, "slow", 300, null]);
      await until(1);
      const startedAt = performance.now();
      if (how === "spry.close()") await spry.close();
      else await new Promise((resolve) => server.close(resolve));
      expect(performance.now() - startedAt).toBeLessThan(4_000);
      expect(await rest(client)).toEqual([
        ["r", 1, "after 300"],
        ["b", expect.any(Number)],
      ]);
      expect((await client.closed).code).toBe(1001);
    },
  );

  it("waits for no answer longer than half of its time", async () => {
    const { spry, connect, until } = await serve();
    const client = await connect();
    client.say(["q", 1, "slow", 60_000, null]);
    await until(1);
    const startedAt = performance.now();
    await spry.close({ deadlineMs: 600 });
    const tookMs = performance.now() - startedAt;
    expect(tookMs).toBeGreaterThan(280);
    expect(tookMs).toBeLessThan(2_000);
    expect(await rest(client)).toEqual([["b", expect.any(Number)]]);
  });

  it("runs no request that comes meanwhile, and says so", async () => {
    const { spry, connect, ran, until } = await serve();
    const client = await connect();
    client.say(["q", 1, "slow", 300, null]);
    await until(1);
    const closed = spry.close();
    client.say(["q", 2, "slow", 1, null]);
    await closed;
    expect(await rest(client)).toEqual([
      ["f", 2, { code: "unavailable", message: expect.stringMatching(/did not run/) }],
      ["r", 1, "after 300"],
      ["b", expect.any(Number)],
    ]);
    expect(ran).toEqual([300]);
  });

  it("waits for no stream, for nothing that was cancelled, and for nobody else's answers", async () => {
    const { spry, connect, until } = await serve();
    const [busy, cancelling, streaming] = [await connect(), await connect(), await connect()];
    busy.say(["q", 1, "slow", 1_000, null]);
    cancelling.say(["q", 1, "slow", 60_000, null]);
    streaming.say(["q", 1, "endless", null, null]);
    await streaming.next("c");
    await until(2);
    const startedAt = performance.now();
    const closed = spry.close();
    cancelling.say(["x", 1]);
    await Promise.all([cancelling.closed, streaming.closed]);
    expect(performance.now() - startedAt).toBeLessThan(900);
    await closed;
    expect(await rest(busy)).toEqual([
      ["r", 1, "after 1000"],
      ["b", expect.any(Number)],
    ]);
  });
});
