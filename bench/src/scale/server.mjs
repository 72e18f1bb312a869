// The server of `pnpm bench:scale`: one process, default options.
import { createServer } from "node:http";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { createSpryWs } from "@spry-ws/core";
import { answerWith } from "../asked.mjs";
import { sharedClockMs } from "../laps.mjs";

/** How often the event loop is looked at. */
const PROBE_MS = 5;

const spry = createSpryWs();
const server = createServer(
  spry.handler({
    open(peer) {
      peer.subscribe("everyone");
    },
  }),
);
spry.attach(server);

const loop = monitorEventLoopDelay({ resolution: PROBE_MS });
loop.enable();
let cpuBefore = process.cpuUsage();

const turn = () => new Promise((resolve) => setTimeout(resolve, 20));

const answers = {
  /** What follows is measured. */
  begin() {
    loop.reset();
    cpuBefore = process.cpuUsage();
    return sharedClockMs();
  },
  end() {
    const { user, system } = process.cpuUsage(cpuBefore);
    return { cpuMs: (user + system) / 1_000, stallMs: Math.max(0, loop.max / 1e6 - PROBE_MS) };
  },
  async memory() {
    for (let i = 0; i < 4; i++) {
      globalThis.gc();
      await turn();
    }
    const { heapUsed, rss } = process.memoryUsage();
    return { heapBytes: heapUsed, rssBytes: rss };
  },
  peers: () => spry.peers.size,
  publish() {
    spry.publish("everyone", "one message for everyone");
  },
  terminate() {
    for (const peer of spry.peers) peer.terminate();
  },
  close: ({ options }) => spry.close(options),
};

// Clients may come all at once: a longer queue than Node's 511, as far as the system allows it.
server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 }, () =>
  answerWith(answers, { port: server.address().port }),
);
