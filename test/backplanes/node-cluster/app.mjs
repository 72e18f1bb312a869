// A primary process and its workers, for node-cluster.test.ts: each worker serves the same room on a port of its own.
import cluster from "node:cluster";
import { createServer } from "node:http";
import { createSpryWs, nodeCluster, serveNodeCluster } from "@spry-ws/core";

const [mode] = process.argv.slice(2);

if (cluster.isPrimary) {
  if (mode !== "unserved") serveNodeCluster();
  const ports = [];
  cluster.on("message", (_worker, message) => {
    if (!message.port && !message.failure) return;
    ports.push(message);
    if (ports.length === 2) process.send(ports);
  });
  process.on("message", (index) => Object.values(cluster.workers)[index].process.kill("SIGKILL"));
  cluster.on("exit", () => process.send("worker gone"));
  process.on("disconnect", () => process.exit());
  for (let i = 0; i < 2; i++) cluster.fork();
} else {
  const spry = createSpryWs({ backplane: nodeCluster(), onError: () => {} });
  const hooks = {
    open: (peer) => peer.subscribe("room"),
    async message(peer, message) {
      if (message.isText && message.text() === "ready") {
        await spry.ready();
        peer.send("ready");
      } else peer.publish("room", message);
    },
  };
  const server = createServer(spry.handler(hooks));
  spry.attach(server);
  server.listen({ port: 0, host: "127.0.0.1", exclusive: true }, async () => {
    const failure = await spry.ready({ timeoutMs: 2_000 }).then(
      () => undefined,
      (error) => error.message,
    );
    process.send({ port: server.address().port, failure });
  });
}
