// A service with a durable topic and one without a log, as `pnpm bench:durable` asks for: `node spry.mjs memory | redis | jetstream`.
import { createServer } from "node:http";
import { defineContract } from "@spry-ws/contract";
import { createSpryWs } from "@spry-ws/core";
import { createService } from "@spry-ws/service";
import { z } from "zod";
import { answerWith } from "../asked.mjs";
import { sharedClockMs } from "../laps.mjs";
import { counted, stores } from "./stores.mjs";
import { publishAll } from "./work.mjs";

const contract = defineContract({
  topics: {
    "durable/:name": { message: z.string(), history: true },
    "ephemeral/:name": { message: z.string() },
  },
});

const { history, backplane } = await stores[process.argv[2]]();
const { counts, history: countedHistory } = counted(history);
const spry = createSpryWs({ backplane });
const service = createService(spry, contract, {
  history: countedHistory,
  topics: {
    "durable/:name": { subscribe: true, history: { maxMessages: 200_000 } },
    "ephemeral/:name": { subscribe: true },
  },
  // The load counts frames: no heartbeats in between.
  limits: { heartbeatMs: 600_000 },
});

const publish = (pattern, text) => service.publish(pattern, { name: "feed" }, text);

/** Each says when it was sent. */
async function publishSteadily({ pattern, perSecond, seconds, text }) {
  const startMs = performance.now();
  for (let sent = 0; sent < perSecond * seconds; sent++) {
    const dueMs = startMs + (sent * 1_000) / perSecond;
    while (performance.now() < dueMs) await new Promise((resolve) => setTimeout(resolve, 1));
    // Not waited for: what comes next is due when it is due.
    void publish(pattern, `${sharedClockMs().toFixed(3)} ${text}`);
  }
}

const server = createServer(spry.handler(service));
spry.attach(server);
server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 }, async () => {
  await spry.ready();
  // The store is up, and code is warm.
  for (let tries = 0; ; tries++) {
    try {
      await publish("durable/:name", "first");
      break;
    } catch (error) {
      if (tries === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  answerWith(
    {
      publish: ({ count, inFlight, text }) =>
        publishAll({ count, inFlight, publish: () => publish("durable/:name", text) }),
      publishSteadily,
      cpuMs() {
        const { user, system } = process.cpuUsage();
        return (user + system) / 1_000;
      },
      reads: () => counts.reads,
    },
    { port: server.address().port },
  );
});
