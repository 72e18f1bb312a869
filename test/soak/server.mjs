// One process of a service with durable topics: node server.mjs redis|jetstream URL PORT. It publishes by itself too, until it is told to
// be quiet. It tells its parent when it listens, and when it is quiet. The parent ends it, with SIGKILL.
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "@nats-io/transport-node";
import { defineContract } from "@spry-ws/contract";
import { createSpryWs } from "@spry-ws/core";
import { jetStreamHistory } from "@spry-ws/nats";
import { redisHistory } from "@spry-ws/redis";
import { createService } from "@spry-ws/service";
import { Redis } from "ioredis";
import { z } from "zod";

const [, , store, url, port] = process.argv;
const maxMessages = 1_000_000;

/** @type {Record<string, () => Promise<import("@spry-ws/core").History>>} */
const histories = {
  async redis() {
    const client = new Redis(url, { lazyConnect: true });
    client.on("error", () => {});
    return redisHistory({ client });
  },
  async jetstream() {
    const connection = await connect({ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
    return jetStreamHistory({ connection, maxMessages });
  },
};

const contract = defineContract({
  requests: {
    say: {
      input: z.object({ kind: z.enum(["kept", "short"]), text: z.string() }),
      output: z.object({ position: z.string() }),
    },
  },
  topics: {
    "kept/:room": { message: z.string(), history: true },
    "short/:room": { message: z.string(), history: true },
  },
});

// Outages and refused publishes are what the test makes.
const spry = createSpryWs({ onError() {} });
const service = createService(spry, contract, {
  history: await histories[store](),
  requests: { say: (_peer, { kind, text }, { id }) => publish(kind, text, { id }) },
  topics: {
    "kept/:room": { subscribe: true, history: { maxMessages, maxAgeMs: 3_600_000 } },
    "short/:room": { subscribe: true, history: { maxMessages: 50, maxAgeMs: 3_600_000 } },
  },
});

function publish(kind, text, options) {
  return service.publish(`${kind}/:room`, { room: "1" }, text, options);
}

const server = createServer(spry.handler(service));
spry.attach(server);
await spry.ready({ timeoutMs: 30_000 });
server.listen(Number(port), "127.0.0.1", () => process.send("listening"));
process.on("disconnect", () => process.exit(0));
let isQuiet = false;
process.on("message", () => {
  isQuiet = true;
});

for (let n = 1; !isQuiet; n++) {
  // Whether it was stored is seen in the log.
  await publish("kept", `process ${process.pid} ${n}`).catch(() => {});
  await sleep(20);
}
process.send("quiet");
