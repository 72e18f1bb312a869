// Figures that a test cannot assert on a shared machine: `pnpm measure` after a build. Prints one line each.
import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { createSpryWs, Message } from "@spry-ws/core";

const MiB = 1_048_576;
const clientProgram = fileURLToPath(new URL("clients.mjs", import.meta.url));
const seconds = (from) => ((performance.now() - from) / 1_000).toFixed(2);
const turn = () => new Promise((resolve) => setImmediate(resolve));

async function withServer(options, hooks, measure) {
  const spry = createSpryWs(options);
  const server = createServer(spry.handler(hooks));
  spry.attach(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const clients = fork(clientProgram);
  const ask = async (order) => {
    clients.send({ port: server.address().port, ...order });
    const [answer] = await once(clients, "message");
    return answer;
  };
  await measure(spry, ask, clients);
  await spry.close({ deadlineMs: 0 });
  clients.kill();
  server.close();
}

/** Resident memory, with what garbage there is collected. */
function resident() {
  globalThis.gc();
  return process.memoryUsage().rss / MiB;
}

// The raw clients answer no pings.
await withServer({ heartbeat: false }, { open: (peer) => peer.subscribe("feed") }, async (spry, ask) => {
  await ask({ open: 100, stalled: 1 });
  const [, ...readers] = spry.peers;
  const before = resident();
  let most = before;
  let mostBuffered = 0;
  const chunk = Message.bytes(new Uint8Array(65_536));
  const started = performance.now();
  for (let i = 0; i < 3_200; i++) {
    spry.publish("feed", chunk);
    mostBuffered = Math.max(mostBuffered, spry.metrics().bufferedBytes);
    // A publisher that waits for those who read.
    while (readers.some((peer) => peer.bufferedAmount > 0)) await turn();
    if (i % 50 === 0) most = Math.max(most, resident());
  }
  const { received } = await ask({ count: true });
  console.log(
    `stalled reader: 200 MiB published to 100 peers, one of which does not read, in ${seconds(started)} s: resident memory ` +
      `${before.toFixed(0)} → at most ${most.toFixed(0)} MiB, buffered at most ${(mostBuffered / MiB).toFixed(1)} MiB, ` +
      `closed for it: ${spry.metrics().terminated.sendBuffer}, the 99 others got ${(received / MiB / 99).toFixed(1)} MiB each`,
  );
});

let release;
const gate = new Promise((resolve) => {
  release = resolve;
});
await withServer({}, { message: () => gate }, async (spry, ask, clients) => {
  await ask({ open: 1 });
  const before = resident();
  clients.send({ burst: 10_000, size: 16_384 });
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const waiting = resident();
  const { messagesReceived } = spry.metrics();
  const started = performance.now();
  release();
  while (spry.metrics().messagesReceived < 10_000) await turn();
  console.log(
    `burst: 10,000 messages of 16 KiB (156 MiB) to a hook that does not return for 2 s: resident memory ${before.toFixed(0)} → ` +
      `${waiting.toFixed(0)} MiB with ${messagesReceived} messages read; the others within ${seconds(started)} s after it`,
  );
});

await withServer({}, {}, async (spry, ask) => {
  await ask({ open: 1_000, stalled: 10, answerClose: false });
  const started = performance.now();
  await spry.close({ deadlineMs: 2_000 });
  console.log(
    `close: 1,000 peers, 10 of which never answer, deadline 2 s: ${seconds(started)} s, ` +
      `terminated: ${spry.metrics().terminated.deadline}`,
  );
});

await withServer({}, {}, async (spry, ask) => {
  await ask({ open: 1, stalled: 1, answerClose: false });
  const started = performance.now();
  while (spry.peers.size > 0) await new Promise((resolve) => setTimeout(resolve, 50));
  console.log(`half-open peer, default heartbeat (30 s + 10 s): gone after ${seconds(started)} s`);
});
process.exit(0);
