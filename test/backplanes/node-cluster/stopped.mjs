// A worker that is stopped while another one publishes much more than may be on its way to it.
import cluster from "node:cluster";
import { createPublisher, nodeCluster, serveNodeCluster } from "@spry-ws/core";

const [role] = process.argv.slice(2);
/** After all is published: so long something is missing at least. */
const stoppedMs = 500;

if (cluster.isPrimary) {
  serveNodeCluster();
  const fork = (role) => {
    cluster.setupPrimary({ args: [role] });
    return cluster.fork();
  };
  const subscriber = fork("subscriber");
  cluster.on("message", (_worker, message) => {
    if (message === "subscribed") {
      subscriber.process.kill("SIGSTOP");
      fork("publisher");
    } else if (message === "published") setTimeout(() => subscriber.process.kill("SIGCONT"), stoppedMs);
    else if (message === "back") for (const worker of Object.values(cluster.workers)) worker.send("go on");
    else if (message.states) process.send(message, () => process.exit());
  });
} else if (role === "subscriber") {
  const received = [];
  const states = [];
  let missingMs;
  const note = (state) => {
    states.push(state);
    if (states.length === 1) link.subscribe(["topic"]).then(() => process.send("subscribed"));
    if (states.length === 3) process.send("back");
  };
  const link = nodeCluster().open({
    message(_topic, data) {
      received.push(data.length);
      if (data.length < 1_000) process.send({ states, received, missingMs });
    },
    up: () => note("up"),
    down(error, { lastHeardAt }) {
      missingMs = performance.now() - lastHeardAt;
      note(error.message);
    },
    error: console.error,
  });
} else {
  const publisher = createPublisher({ backplane: nodeCluster(), backplaneBuffer: false });
  process.on("message", (message) => {
    if (message !== "go on") return;
    publisher.publish("topic", "last");
    publisher.close();
  });
  const other = createPublisher({ backplane: nodeCluster(), backplaneBuffer: false });
  for (let i = 0; i < 100; i++) other.publish("topic", new Uint8Array(1_000_000));
  await other.close();
  process.send("published");
}
