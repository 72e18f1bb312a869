import { connect } from "@nats-io/transport-node";
import { nats } from "@spry-ws/nats";
import { backplaneCases } from "@spry-ws/testing/backplane";
import { afterAll, describe, expect, it } from "vitest";
import { findNats } from "../fixtures/brokers.ts";

const found = await findNats();
const servers = typeof found === "string" ? "" : found.url;
const prefix = `spry-ws-test-${process.pid}`;

afterAll(async () => {
  if (typeof found !== "string") await found[Symbol.asyncDispose]();
});

describe.skipIf(typeof found === "string")("NATS", () => {
  const create = async () => {
    const connection = await connect({ servers });
    return {
      backplane: nats({ connection, prefix }),
      async assertClientUsable() {
        await connection.flush();
        expect(connection.isDraining()).toBe(false);
      },
      dispose: () => connection.close(),
    };
  };
  for (const { name, run } of backplaneCases({ create })) it(name, run);
});
