import { connect } from "@nats-io/transport-node";
import { jetStreamHistory } from "@spry-ws/nats";
import { historyCases } from "@spry-ws/testing/history";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { missingNats, type OwnBroker, startJetStream } from "../fixtures/brokers.ts";

/** Longer than the pauses of the connections. */
const reconnect = { maxReconnectAttempts: -1, reconnectTimeWait: 50, reconnectJitter: 10 };

describe.skipIf(missingNats())("NATS JetStream", () => {
  let server: OwnBroker;
  const connections = new Set<Awaited<ReturnType<typeof connect>>>();
  beforeAll(async () => {
    server = await startJetStream("--config", { content: "max_payload: 2MB" });
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  const cases = historyCases({
    async create({ maxMessages }) {
      const connection = await connect({ servers: server.url, ...reconnect });
      connections.add(connection);
      return {
        // A stream keeps as many messages of each topic as it was created for.
        history: jetStreamHistory({ connection, prefix: `keeps-${maxMessages}`, maxMessages }),
        async assertClientUsable() {
          await connection.flush();
          expect(connection.isDraining()).toBe(false);
        },
        dispose() {
          connections.delete(connection);
          return connection.close();
        },
      };
    },
    mostKept: 10,
    interrupt: async () => {
      await Promise.all(Array.from(connections, (connection) => connection.reconnect()));
    },
    async restart() {
      await server.kill();
      await server.start();
    },
  });
  for (const { name, run } of cases) it(name, run, 60_000);
});
