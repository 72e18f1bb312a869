import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, connect } from "@spry-ws/client";
import { defineContract } from "@spry-ws/contract";
import { createSpryWs } from "@spry-ws/core";
import { createService } from "@spry-ws/service";
import { createNetwork } from "@spry-ws/testing";
import { expect, it } from "vitest";
import { WebSocket } from "ws";
import { z } from "zod";
import { listen } from "../fixtures/listen.ts";

const contract = defineContract({
  topics: { "rooms/:room": { message: z.number(), history: true, snapshot: z.number() } },
});

/** A process with one room, and a client behind a network. */
async function start() {
  const spry = createSpryWs({ onError: () => {} });
  let published = 0;
  const service = createService(spry, contract, {
    topics: {
      "rooms/:room": {
        subscribe: true,
        snapshot: () => published,
        history: { maxMessages: 100, maxAgeMs: 60_000 },
      },
    },
  });
  const server = createServer(spry.handler(service));
  spry.attach(server);
  await listen(server);
  const network = await createNetwork(server);
  const client: Client<typeof contract> = connect<typeof contract>(network.url("/"), {
    WebSocket: WebSocket as never,
    firstDelayMs: 5,
    maxDelayMs: 20,
    maxItems: 20,
  });
  return {
    network,
    client,
    async publish(count: number) {
      for (let n = 0; n < count; n++) {
        published++;
        await service.publish("rooms/:room", { room: "1" }, published);
      }
    },
    async [Symbol.asyncDispose]() {
      client.close();
      await network.close();
      await spry.close({ deadlineMs: 0 });
      server.close();
    },
  };
}

it("every use of a durable topic has every message of a service once and in order, over cuts, whatever its pace", async () => {
  await using chat = await start();
  const { client, network } = chat;
  await chat.publish(3);
  const fast: number[] = [];
  const gaps: string[] = [];
  client.topic("rooms/:room", { room: "1" }, { from: "start" }).onItem((item) => {
    if (item.type === "message") fast.push(item.data);
    else gaps.push(item.type);
  });
  const slow: number[] = [];
  void (async () => {
    for await (const item of client.topic("rooms/:room", { room: "1" }, { from: { last: 2 } })) {
      if (item.type === "message") slow.push(item.data);
      else gaps.push(item.type);
      await sleep(1);
    }
  })().catch(() => {});
  await expect
    .poll(() => [fast, slow])
    .toEqual([
      [1, 2, 3],
      [2, 3],
    ]);
  for (let n = 0; n < 12; n++) {
    await chat.publish(5);
    if (n % 3 === 0) network.cut();
    await sleep(10);
  }
  const all = Array.from({ length: 63 }, (_, n) => n + 1);
  await expect.poll(() => slow.length, { timeout: 5_000 }).toBe(62);
  expect(fast).toEqual(all);
  expect(slow).toEqual(all.slice(1));
  expect(gaps).toEqual([]);
});

it("more than the log of a service keeps is a gap, which its snapshot heals", async () => {
  await using chat = await start();
  const items: string[] = [];
  const room = chat.client.topic("rooms/:room", { room: "1" });
  room.onItem((item) => items.push(item.type === "gap" ? "gap" : `${item.type} ${item.data}`));
  await expect.poll(() => items).toEqual(["snapshot 0"]);
  chat.network.goDown();
  await chat.publish(300);
  chat.network.mend();
  await expect.poll(() => items).toEqual(["snapshot 0", "gap", "snapshot 300"]);
  await chat.publish(1);
  await expect.poll(() => items.at(-1)).toBe("message 301");
  expect(items).toHaveLength(4);
});
