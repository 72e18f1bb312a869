// One instance of an app, as bench/src/costs/main.mjs asks for: `node process.mjs [--redis | --nats]`.
import { createServer } from "node:http";
import { createSpryWs } from "@spry-ws/core";
import { answerWith } from "../asked.mjs";
import { spryBackplane } from "../servers/spry-backplane.mjs";

const spry = createSpryWs(await spryBackplane());
const server = createServer(
  spry.handler({
    // The path says how many topics its peer is subscribed to.
    open(peer) {
      const { topics } = requested;
      for (let i = 0; i < topics; i++) peer.subscribe(topicOf(i));
    },
  }),
);
spry.attach(server);
const requested = { topics: 0 };

function topicOf(index) {
  return `topic ${index}`;
}

/** Publishes `count` messages round robin, `perTurn` in a turn of the event loop, and waits until the broker has them. */
async function publish({ count, topics, perTurn }) {
  const text = "a message of sixty-four bytes of plain text, as short ones are.\n";
  for (let sent = 0; sent < count; ) {
    for (const end = Math.min(count, sent + perTurn); sent < end; sent++)
      spry.publish(topicOf(sent % topics), text);
    await new Promise((resolve) => setImmediate(resolve));
    while (spry.metrics().backplaneBufferedBytes > 1_000_000)
      await new Promise((resolve) => setImmediate(resolve));
  }
  while (spry.metrics().backplaneBufferedBytes > 0) await new Promise((resolve) => setImmediate(resolve));
}

const answers = {
  subscribe({ topics }) {
    requested.topics = topics;
  },
  async ready() {
    const startedMs = performance.now();
    await spry.ready({ timeoutMs: 60_000 });
    return performance.now() - startedMs;
  },
  publish,
  heap() {
    globalThis.gc();
    return process.memoryUsage().heapUsed;
  },
  cpu() {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  received: () => spry.metrics().backplaneReceived,
};

server.listen(0, "127.0.0.1", async () => {
  await spry.ready();
  answerWith(answers, { port: server.address().port });
});
