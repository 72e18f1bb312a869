import type { History } from "@spry-ws/core";
import type { Hooks, SpryWs } from "@spry-ws/express";
import { connect, type TestableApp, type TestClient } from "@spry-ws/testing";
import express, { type Express } from "express";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import {
  missingNats,
  missingRedis,
  type OwnBroker,
  startJetStream,
  startNats,
  startRedis,
} from "../fixtures/brokers.ts";
import { WatchedHistory } from "../histories/watched-history.ts";
import type { Run } from "./page.ts";

/** What clients say, all others hear, in whatever process. */
export const chat: Hooks = {
  open: (peer) => peer.subscribe("chat"),
  message: (peer, message) => peer.publish("chat", message),
};

/** A broker of our own, as other runs of these tests on the same one would be heard. */
function withBroker(
  missing: string | false,
  start: () => Promise<OwnBroker>,
  define: (url: () => string) => void,
): void {
  describe.skipIf(missing)("with a broker", () => {
    let broker: OwnBroker | undefined;
    beforeAll(async () => {
      broker = await start();
    });
    afterAll(() => broker?.[Symbol.asyncDispose]());
    define(() => broker?.url ?? "");
  });
}
export const withRedis = (define: (url: () => string) => void) =>
  withBroker(missingRedis(), startRedis, define);
export const withNats = (define: (url: () => string) => void) => withBroker(missingNats(), startNats, define);

export const withJetStream = (define: (url: () => string) => void) =>
  withBroker(missingNats(), startJetStream, define);

/** Until a message of the one has come to the other: when a subscription is in force in another process, nobody is told. */
export async function hears(listener: TestClient, speaker: TestClient): Promise<void> {
  await vi.waitFor(
    async () => {
      speaker.send("hello");
      await speaker.ping();
      expect(listener.unread.length).toBeGreaterThan(0);
    },
    { timeout: 5_000 },
  );
  expect(await listener.text()).toBe("hello");
}

export async function open(app: TestableApp, path = "/"): Promise<TestClient> {
  const client = await connect(app, path);
  onTestFinished(async () => void (await client.close()));
  return client;
}

/** The block twice, in place of two processes that have one log. @param server in the block */
export function keepsMessages(run: Run, server: string, url: () => string): void {
  it("keeps for one process what another one has stored", async () => {
    const links: WatchedHistory[] = [];
    for (let i = 0; i < 2; i++) {
      const { names } = await run<{ history: History; connection: { close(): Promise<void> } }>({
        take: ["history", "connection"],
        replace: { [server]: url() },
      });
      onTestFinished(() => names.connection.close());
      const link = new WatchedHistory(names.history);
      onTestFinished(() => link.link.close());
      await link.untilState("up");
      links.push(link);
    }
    const [one, other] = links as [WatchedHistory, WatchedHistory];
    await other.link.subscribe(["topic"]);
    await one.append("topic", "stored");
    await other.untilAppended("stored");
    expect((await other.read("topic", "start")).texts).toEqual(["stored"]);
  });
}

/** What a block makes, as far as it makes it. */
export interface Names {
  app: Express;
  spry: SpryWs & express.RequestHandler;
  client: { disconnect?(): void; destroy?(): void };
  connection: { close(): Promise<void> };
  publisher: object;
}

/** The block twice, in place of two processes. */
export function joins(run: Run, take: readonly (keyof Names)[], replace: () => Record<string, string>): void {
  it("joins two processes", async () => {
    const clients: TestClient[] = [];
    for (let i = 0; i < 2; i++) clients.push(await open(await start(run, take, replace())));
    const [one, other] = clients as [TestClient, TestClient];
    await hears(one, other);
    await hears(other, one);
  });
}

async function start(
  run: Run,
  take: readonly (keyof Names)[],
  replace: Record<string, string>,
): Promise<Express> {
  const running = await run<Partial<Names>>({ give: { chat }, take, replace });
  const { spry, client, connection } = running.names;
  onTestFinished(async () => {
    await spry?.close();
    (client?.destroy ?? client?.disconnect)?.call(client);
    await connection?.close();
  });
  const app = running.names.app ?? express().use(spry ?? []);
  app.ws("/", chat);
  return app;
}
