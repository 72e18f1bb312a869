import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "@nats-io/transport-node";
import { type Backplane, isSpryWsError } from "@spry-ws/core";
import { nats } from "@spry-ws/nats";
import { redis } from "@spry-ws/redis";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { afterAll, describe, expect, it } from "vitest";
import { http } from "../adapters/http.ts";
import {
  type FoundBroker,
  findNats,
  findRedis,
  missingNats,
  missingRedis,
  type OwnBroker,
  startNats,
  startRedis,
} from "../fixtures/brokers.ts";
import { Client } from "../fixtures/client.ts";
import { serve } from "../fixtures/serve.ts";
import type { BackplaneSetup } from "./apps.ts";
import { instancesSuite } from "./instances.ts";

interface Broker {
  readonly name: string;
  readonly found: FoundBroker | string;
  readonly missing: string | false;
  start(): Promise<OwnBroker>;
  /** A backplane on a client of its own, and how to end that. */
  connect(url: string, prefix: string): Promise<[Backplane, close: () => unknown]>;
}

const [foundRedis, foundNats] = await Promise.all([findRedis(), findNats()]);
afterAll(async () => {
  for (const found of [foundRedis, foundNats])
    if (typeof found !== "string") await found[Symbol.asyncDispose]();
});

const brokers: Broker[] = [
  {
    name: "Redis, ioredis",
    found: foundRedis,
    missing: missingRedis(),
    start: startRedis,
    async connect(url, prefix) {
      const client = new Redis(url);
      client.on("error", () => {});
      return [redis({ client, prefix }), () => client.disconnect()];
    },
  },
  {
    name: "Redis, node-redis",
    found: foundRedis,
    missing: missingRedis(),
    start: startRedis,
    async connect(url, prefix) {
      const client = createClient({ url });
      client.on("error", () => {});
      await client.connect();
      return [redis({ client, prefix }), () => client.destroy()];
    },
  },
  {
    name: "NATS",
    found: foundNats,
    missing: missingNats(),
    start: startNats,
    async connect(servers, prefix) {
      const connection = await connect({ servers, maxReconnectAttempts: -1, reconnectTimeWait: 1_000 });
      return [nats({ connection, prefix }), () => connection.close()];
    },
  },
];

let lastPrefix = 0;

for (const { name, found, connect: open } of brokers) {
  const url = typeof found === "string" ? "" : found.url;
  describe.skipIf(url === "")("with a broker", () => {
    instancesSuite(name, async (): Promise<BackplaneSetup> => {
      const prefix = `spry-ws-test-${process.pid}-${++lastPrefix}`;
      // More than any test of the suite has instances and publishers.
      const connections = await Promise.all(Array.from({ length: 5 }, () => open(url, prefix)));
      let used = 0;
      return {
        create: () => connections[used++]?.[0] as Backplane,
        async [Symbol.asyncDispose]() {
          for (const [, close] of connections) await close();
        },
      };
    });
  });
}

describe.each(brokers)(
  "an app when the broker is killed under load: $name",
  ({ missing, start, connect: open }) => {
    it.skipIf(missing)(
      "goes on locally, finds its way back, reports the gap once, and delivers nothing twice",
      async () => {
        await using broker = await start();
        const connections = await Promise.all([1, 2].map(() => open(broker.url, "outage")));
        const errors: { code?: string; durationMs?: number }[][] = [[], []];
        const apps = await Promise.all(
          connections.map(([backplane], i) =>
            serve(http, {
              routes: { "/": { hooks: { open: (peer) => peer.subscribe("room") } } },
              options: {
                backplane,
                onError: (error) => isSpryWsError(error) && errors[i]?.push(error as never),
              },
            }),
          ),
        );
        const [here, there] = apps as [(typeof apps)[0], (typeof apps)[0]];
        const [local, remote] = await Promise.all(apps.map((app) => Client.open(app.url("/"))));
        await Promise.all(apps.map(({ spry }) => spry.ready()));

        let sent = 0;
        const publish = () => here.spry.publish("room", String(sent++));
        const received: number[] = [];
        const until = async (isTrue: () => boolean) => {
          while (!isTrue()) received.push(Number(await remote?.next()));
        };
        // Load: a message in each turn of the event loop, from before the outage to after it.
        let isLoading = true;
        const load = (async () => {
          for (; isLoading; await new Promise((resolve) => setImmediate(resolve))) publish();
        })();
        await until(() => received.length > 100);
        await broker.kill();
        const sentAtKill = sent;
        await expect
          .poll(() => apps.map(({ spry }) => spry.metrics().backplaneConnected))
          .toEqual([false, false]);
        await broker.start();
        await Promise.all(apps.map(({ spry }) => spry.ready()));
        await until(() => (received.at(-1) ?? 0) > sentAtKill);
        isLoading = false;
        await load;
        // Everybody is back: from here on nothing may be missing.
        const afterwards = sent;
        for (let i = 0; i < 100; i++) publish();
        await until(() => received.at(-1) === sent - 1);

        expect(received).toEqual([...new Set(received)].sort((a, b) => a - b));
        expect(received.filter((number) => number >= afterwards)).toHaveLength(100);
        const heardHere = (await local?.messages.take(sent)) as string[];
        expect(heardHere.map(Number)).toEqual(Array.from({ length: sent }, (_, i) => i));
        for (const list of errors) {
          const gaps = list.filter(({ code }) => code === "SPRY_WS_BACKPLANE_GAP");
          expect(gaps).toHaveLength(1);
          expect(gaps[0]?.durationMs).toBeGreaterThan(0);
        }
        for (const client of [local, remote]) client?.socket.terminate();
        for (const app of [here, there]) await app[Symbol.asyncDispose]();
        for (const [, close] of connections) await close();
      },
      30_000,
    );
  },
);

describe.each(brokers)(
  "what is published while the broker is away: $name",
  ({ missing, start, connect: open }) => {
    it.skipIf(missing)(
      "reaches every process, in whatever order they come back",
      async () => {
        await using broker = await start();
        const connections = await Promise.all([1, 2, 3, 4].map(() => open(broker.url, "kept")));
        const apps = await Promise.all(
          connections.map(([backplane]) =>
            serve(http, {
              routes: { "/": { hooks: { open: (peer) => peer.subscribe("room") } } },
              options: { backplane, onError() {} },
            }),
          ),
        );
        const clients = await Promise.all(apps.map((app) => Client.open(app.url("/"))));
        await Promise.all(apps.map(({ spry }) => spry.ready()));
        await broker.kill();
        // By then the pauses between attempts are as long as they get.
        await sleep(2_500);
        const kept = apps.flatMap(({ spry }, app) =>
          Array.from({ length: 50 }, (_, index) => {
            const text = `${index} of ${app}`;
            spry.publish("room", text);
            return text;
          }),
        );
        await broker.start();
        for (const client of clients) {
          const received = await client.messages.take(kept.length);
          expect(received.toSorted()).toEqual(kept.toSorted());
        }
        for (const client of clients) client.socket.terminate();
        for (const app of apps) await app[Symbol.asyncDispose]();
        for (const [, close] of connections) await close();
      },
      60_000,
    );
  },
);
