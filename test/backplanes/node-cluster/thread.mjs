// What nodeCluster() says in worker threads, one of the primary process and one of a worker.
import cluster from "node:cluster";
import { once } from "node:events";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { nodeCluster, serveNodeCluster } from "@spry-ws/core";

const errorsInThread = async () => (await once(new Worker(new URL(import.meta.url)), "message"))[0];

if (!isMainThread) {
  const errors = [];
  for (const call of [nodeCluster, serveNodeCluster]) {
    try {
      call();
    } catch ({ code, message }) {
      errors.push({ code, message });
    }
  }
  parentPort.postMessage(errors);
} else if (cluster.isPrimary) {
  serveNodeCluster();
  const [worker] = await once(cluster.fork(), "message");
  process.send({ primary: await errorsInThread(), worker }, () => process.exit());
} else process.send(await errorsInThread(), () => process.exit());
