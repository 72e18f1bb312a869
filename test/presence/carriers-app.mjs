// Processes that know who is present over a real carrier, for carriers.test.ts: the first one starts three, and passes on what they say.
import cluster from "node:cluster";
import { createSpryWs, nodeCluster, serveNodeCluster } from "@spry-ws/core";
import { Presence } from "../../packages/service/dist/presence/presence.js";

const [kind, url] = process.argv.slice(2);
const topic = "room";

/** As the defaults, a seventh of them. */
const intervals = {
  beatMs: 500,
  silenceMs: 2_000,
  askMs: 150,
  handOverMs: 300,
  settleMs: 100,
  maxSettleMs: 1_000,
  tickMs: 50,
  gatherMs: 10,
  unusedMs: 10_000,
};

async function backplane() {
  if (kind === "node:cluster") return nodeCluster();
  if (kind === "Redis") {
    const [{ redis }, { createClient }] = await Promise.all([import("@spry-ws/redis"), import("redis")]);
    const client = createClient({ url });
    client.on("error", () => {});
    return redis({ client });
  }
  const [{ nats }, { connect }] = await Promise.all([
    import("@spry-ws/nats"),
    import("@nats-io/transport-node"),
  ]);
  return nats({ connection: await connect({ servers: url }) });
}

async function beProcess() {
  const spry = createSpryWs({ backplane: await backplane() });
  await spry.ready();
  process.send({ heard: "up" });
  process.on("message", ({ begin }) => begin && follow(spry));
}

async function follow(spry) {
  const presence = new Presence({
    maxIdle: 1_000,
    carrier: spry,
    channelOf: (topic) => `spry.presence:${topic}`,
    optionsOf: () => ({ graceMs: 3_000, maxDataBytes: 1_024 }),
    report: (error) => process.send({ error: String(error) }),
    intervals,
  });
  const connections = new Map();
  const view = presence.view(topic);
  view.listen(({ joined, left, updated }) => {
    for (const { key } of joined) process.send({ heard: `+${key}` });
    for (const { key } of left) process.send({ heard: `-${key}` });
    for (const { key } of updated) process.send({ heard: `~${key}` });
  });
  process.on("message", async ({ join, leave, isGone, end }) => {
    if (join) {
      connections.set(join, {});
      presence.join(topic, connections.get(join), { key: join, data: "" });
    }
    if (leave) presence.leave(topic, connections.get(leave), isGone);
    if (end) {
      presence.end();
      await spry.close();
      process.exit();
    }
  });
  await view.ready();
  process.send({ heard: `ready with ${view.count}` });
}

function start(name) {
  const worker = cluster.fork({ NAME: name });
  worker.on("message", (message) => message.heard && process.send({ name, ...message }));
  worker.on("message", (message) => message.error && process.send({ name, ...message }));
  process.send({ name, pid: worker.process.pid });
  return worker;
}

if (cluster.isPrimary) {
  serveNodeCluster();
  const workers = new Map();
  process.on("message", ({ name, start: isNew, ...command }) => {
    if (isNew) workers.set(name, start(name));
    else workers.get(name).send(command);
  });
  process.on("disconnect", () => process.exit());
} else await beProcess();
