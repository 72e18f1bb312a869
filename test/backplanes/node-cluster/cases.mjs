// The cases of every backplane between links of one worker, whose messages all take the way through the primary process.
import cluster from "node:cluster";
import { setTimeout as sleep } from "node:timers/promises";
import { nodeCluster, serveNodeCluster } from "@spry-ws/core";
import { backplaneCases } from "@spry-ws/testing/backplane";

if (cluster.isPrimary) {
  serveNodeCluster();
  cluster.fork();
  cluster.on("message", (_worker, { failed }) => failed && process.send(failed));
  cluster.on("exit", () => process.disconnect());
} else {
  const failed = [];
  for (const { name, run } of backplaneCases({
    create: () => ({ backplane: nodeCluster(), dispose() {} }),
  })) {
    const tooLong = sleep(5_000).then(() => "took more than 5 s");
    const failure = await Promise.race([run().then(() => undefined, String), tooLong]);
    if (failure) failed.push(`${name}: ${failure}`);
  }
  process.send({ failed }, () => process.exit());
}
