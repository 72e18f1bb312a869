// The server under attack, in a process of its own: `node server.js <adapter> <seed>`, forked through child.ts.
import type { AddressInfo } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { promisify } from "node:util";
import { expressFive, expressFour } from "../adapters/express.ts";
import { fastifyFive } from "../adapters/fastify.ts";
import { http } from "../adapters/http.ts";
import { koaThree, koaTwo } from "../adapters/koa.ts";
import { answerCommands, reportFaults } from "./commands.ts";
import { ErrorLedger } from "./error-ledger.ts";
import { HookWatch } from "./hook-watch.ts";
import { hostileService } from "./live-service.ts";
import { randomFrom } from "./random.ts";
import { hostileRoutes } from "./routes.ts";
import { Turns } from "./turns.ts";

reportFaults();
const [, , name, seed] = process.argv;
const adapter = [expressFour, expressFive, fastifyFive, koaTwo, koaThree, http].find(
  (one) => one.name === name,
);
if (!adapter) throw new Error(`There is no adapter ${name}`);

const ledger = new ErrorLedger();
const watch = new HookWatch(ledger);
const turns = new Turns();
const random = randomFrom(Number(seed));
const app = await adapter.build({
  routes: { ...hostileRoutes(adapter, watch, random), "/live": { hooks: () => live } },
  options: {
    perMessageDeflate: true,
    // Attackers that never answer a close frame are to be gone before the figures are taken.
    closeTimeoutMs: 500,
    // Short, so that it finds idle attackers; they answer no ping.
    heartbeat: { intervalMs: 200, timeoutMs: 2_000 },
    onError: (error, { stage }) => ledger.take(error, `onError, ${stage}`),
  },
});
const live = watch.wrap(hostileService(app.spry, watch.violations, random));
const server = await app.listen();
const countConnections = promisify(server.getConnections.bind(server));

const commands = {
  port: () => (server.address() as AddressInfo).port,

  async status() {
    // What reached the framework's own handler; left there it would count as a leak of the server.
    for (const error of app.logged.splice(0)) ledger.take(error, "framework");
    const { user, system } = process.cpuUsage();
    return {
      connections: await countConnections(),
      peers: app.spry.peers.size,
      handshakes: app.spry.metrics().pendingHandshakes,
      /** Peers whose `open` hook was called and `close` hook has not finished. */
      open: watch.open.size,
      opened: watch.opened,
      closed: watch.closed,
      violations: watch.violations,
      unexpectedErrors: ledger.unexpected,
      errors: ledger.counts,
      cpuMs: (user + system) / 1000,
    };
  },

  /** In bytes. `heap` is what JavaScript still reaches: objects and the memory outside of V8 that they hold. */
  async memory() {
    for (let i = 0; i < 4; i++) {
      globalThis.gc?.();
      await nextTurn(); // Finalizers run between the collections.
    }
    const { heapUsed, external, rss } = process.memoryUsage();
    return { heap: heapUsed + external, rss };
  },

  turns: () => turns.take(),

  stop: () => app.close(),
};

export type ServerCommands = typeof commands;
export type ServerStatus = Awaited<ReturnType<ServerCommands["status"]>>;
export type ServerTurns = Awaited<ReturnType<ServerCommands["turns"]>>;
export type ServerMemory = Awaited<ReturnType<ServerCommands["memory"]>>;

answerCommands(commands);
