import { type ConnectionOptions, connect } from "@nats-io/transport-node";
import { nats } from "@spry-ws/nats";
import { type BackplaneUnderTest, backplaneCases } from "@spry-ws/testing/backplane";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findNats, missingNats, type OwnBroker, startNats } from "../fixtures/brokers.ts";

const found = await findNats();
const servers = typeof found === "string" ? "" : found.url;
const prefix = `spry-ws-test-${process.pid}`;

afterAll(async () => {
  if (typeof found !== "string") await found[Symbol.asyncDispose]();
});

async function underTest(options: ConnectionOptions): Promise<BackplaneUnderTest> {
  const connection = await connect(options);
  return {
    backplane: nats({ connection, prefix }),
    async assertClientUsable() {
      await connection.flush();
      expect(connection.isDraining()).toBe(false);
    },
    dispose: () => connection.close(),
  };
}

describe.skipIf(typeof found === "string")("NATS", () => {
  for (const { name, run } of backplaneCases({ create: () => underTest({ servers }) })) it(name, run);
});

describe.skipIf(missingNats())("NATS that refuses a topic", () => {
  let server: OwnBroker;
  beforeAll(async () => {
    // As `!` is written in a subject.
    const denied = `{ deny: "${prefix}.=0021" }`;
    server = await startNats("--config", {
      content: `authorization {
        users: [{ user: app, password: secret, permissions: { publish: ${denied}, subscribe: ${denied} } }]
      }`,
    });
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  const create = () => underTest({ servers: server.url, user: "app", pass: "secret" });
  const [first] = backplaneCases({ create, refusedTopic: "!" });
  if (first) it(first.name, first.run);
});
