// Several processes with the same room, each on a port of its own, for operations.test.ts.
import cluster from "node:cluster";
import { createServer } from "node:http";
import { createSpryWs, nodeCluster, serveNodeCluster } from "@spry-ws/core";

const [kind, url, count] = process.argv.slice(2);

async function createBackplane() {
  if (kind === "redis") {
    const [{ redis }, { createClient }] = await Promise.all([import("@spry-ws/redis"), import("redis")]);
    return redis({ client: createClient({ url }) });
  }
  if (kind === "nats") {
    const [{ nats }, { connect }] = await Promise.all([
      import("@spry-ws/nats"),
      import("@nats-io/transport-node"),
    ]);
    return nats({ connection: await connect({ servers: url }) });
  }
  return nodeCluster();
}

if (cluster.isPrimary) {
  if (kind === "nodeCluster") serveNodeCluster();
  cluster.on("message", (_worker, message) => message.pid && process.send(message));
  process.on("disconnect", () => process.exit());
  for (let i = 0; i < Number(count); i++) cluster.fork();
} else {
  const spry = createSpryWs({ backplane: await createBackplane(), heartbeat: false });
  const hooks = {
    open: (peer) => peer.subscribe("room"),
    async message(peer, message) {
      const text = message.text();
      if (text === "ready") await spry.ready();
      if (text === "ready") peer.send("ready");
      else if (text === "count") peer.send(`count ${await spry.count("room", { waitMs: 500 })}`);
      else if (text === "disconnect") spry.disconnect("room", 4401, "logged out");
      else spry.publish("room", text);
    },
  };
  const server = createServer(spry.handler(hooks));
  spry.attach(server);
  await spry.ready();
  server.listen({ port: 0, host: "127.0.0.1", exclusive: true }, () =>
    process.send({ pid: process.pid, port: server.address().port }),
  );
}
