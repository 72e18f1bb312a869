import { type ConnectionOptions, connect, type NatsConnection } from "@nats-io/transport-node";
import { nats } from "@spry-ws/nats";
import { describe, expect, it, onTestFinished } from "vitest";
import { missingNats, startNats } from "../fixtures/brokers.ts";
import { memoryInUse } from "../fixtures/memory.ts";
import { outageCases, WatchedLink } from "./outages.ts";

async function connected(servers: string, options: ConnectionOptions = {}): Promise<NatsConnection> {
  const connection = await connect({ servers, maxReconnectAttempts: -1, reconnectTimeWait: 50, ...options });
  onTestFinished(() => connection.close());
  return connection;
}

describe.skipIf(missingNats())("NATS", { timeout: 60_000 }, () => {
  outageCases({
    start: startNats,
    create: async (url, pingInterval) =>
      nats({ connection: await connected(url, pingInterval === undefined ? {} : { pingInterval }) }),
    lost: "the connection to NATS is lost",
  });

  it("is down when the server stops answering, and back when it answers again", async () => {
    await using server = await startNats();
    const connection = await connected(server.url, { pingInterval: 100, maxPingOut: 1, timeout: 500 });
    await using one = new WatchedLink(nats({ connection }));
    await one.untilState("up");
    await one.link.subscribe(["topic"]);
    await server.pause();
    const published = one.publish("topic", "lost");
    await one.untilState("down");
    await expect(published).rejects.toMatchObject({ code: "SPRY_WS_BACKPLANE" });
    server.resume();
    await one.untilState("up");
    await one.publish("topic", "back");
    await one.untilReceived("topic back");
  });

  it("is down for good when the server, started again, wants other credentials", async () => {
    await using server = await startNats("--user", "app", "--pass", "right");
    const connection = await connected(server.url, { user: "app", pass: "right" });
    await using link = new WatchedLink(nats({ connection }));
    await link.untilState("up");
    const published = link.publish("topic", "x");
    await server.kill();
    await published.catch(() => {});
    await link.untilState("down");
    await server.start("--user", "app", "--pass", "other");
    await link.untilState("down for good");
    expect(link.reasons.at(-1)?.message).toMatch(
      /NATS refused the credentials of the connection: check them/,
    );
    await expect(link.publish("topic", "x")).rejects.toMatchObject({ code: "SPRY_WS_BACKPLANE" });
  });

  it("is down for good when the connection has given up, and says which option keeps it from that", async () => {
    await using server = await startNats();
    const connection = await connected(server.url, { maxReconnectAttempts: 2 });
    await using link = new WatchedLink(nats({ connection }));
    await link.untilState("up");
    await server.kill();
    await link.untilState("down for good");
    expect(link.reasons.at(-1)?.message).toMatch(/given up \(.*\): with `maxReconnectAttempts: -1`/);
  });

  it("is down for good when the connection is closed, and rejects what was not answered", async () => {
    await using server = await startNats();
    const connection = await connected(server.url);
    await using link = new WatchedLink(nats({ connection }));
    await link.untilState("up");
    await server.pause();
    const published = link.publish("topic", "x");
    await connection.close();
    await expect(published).rejects.toThrow("the connection to NATS is closed");
    expect(link.states).toEqual(["up", "down for good"]);
    await using late = new WatchedLink(nats({ connection }));
    await late.untilState("down for good");
  });

  it("refuses a message larger than the server takes, and sends the others of the call", async () => {
    await using server = await startNats();
    await using link = new WatchedLink(nats({ connection: await connected(server.url) }));
    await link.untilState("up");
    await link.link.subscribe(["topic"]);
    const data = [new Uint8Array(1_048_577), Buffer.from("small")];
    await expect(link.link.publish(data.map((data) => ({ topic: "topic", data })))).rejects.toThrow(
      "a message of 1048577 bytes is larger than the NATS server takes: max_payload is 1048576 bytes",
    );
    await link.untilReceived("topic small");
    expect(link.state).toBe("up");
  });

  it("rejects what the server does not permit", async () => {
    const permissions = '{ publish: "app.ok", subscribe: ["app.ok", "_INBOX.>"] }';
    await using server = await startNats("--config", {
      content: `authorization { users: [{ user: app, password: secret, permissions: ${permissions} }] }`,
    });
    const connection = await connected(server.url, { user: "app", pass: "secret" });
    await using link = new WatchedLink(nats({ connection, prefix: "app" }));
    await link.untilState("up");
    await expect(link.link.subscribe(["ok", "no"])).rejects.toThrow(/may not subscribe to app\.no: it needs/);
    await expect(link.publish("no", "x")).rejects.toThrow(/may not publish to app\.no: it needs/);
    await link.link.subscribe(["ok"]);
    await link.publish("ok", "x");
    await link.untilReceived("ok x");
    expect(link.states).toEqual(["up"]);
    expect(link.errors).toEqual([]);
  });

  it("goes on without the topics whose permission is taken away, and says which they are", async () => {
    const config = (subscribe: string) => ({
      content: `authorization { users: [{ user: app, password: secret, permissions: {
        publish: { deny: "app.no" }, subscribe: { deny: ["app.never", ${subscribe}] } } }] }`,
    });
    await using server = await startNats("--config", config('"app.never"'));
    const connection = await connected(server.url, { user: "app", pass: "secret" });
    await using link = new WatchedLink(nats({ connection, prefix: "app" }));
    await link.untilState("up");
    await link.link.subscribe(["ok", "no", "nothing"]);
    await server.kill();
    await server.start("--config", config('"app.no*", "app.nothing"'));
    await link.until(() => link.refused.size > 0, "refused topics");
    await link.untilState("up");
    expect([...link.refused.keys()]).toEqual(["nothing"]);
    await link.publish("ok", "x");
    await link.untilReceived("ok x");
    // What is not permitted any more does not stay so when it is.
    await expect(link.link.subscribe(["nothing"])).rejects.toThrow(/may not subscribe to app\.nothing/);
    const refused = { topic: "no", data: Buffer.from("x") };
    for (let i = 0; i < 3; i++) {
      const call = link.link.publish([{ ...refused, topic: "ok" }, refused, refused]);
      await expect(call).rejects.toMatchObject({ refused: new Map([[refused, expect.any(Error)]]) });
    }
    expect(link.errors).toEqual([]);
  });

  it("publishes to what it may not subscribe to, while it is told so", async () => {
    const permissions = '{ publish: ["app.>"], subscribe: ["app.ok", "_INBOX.>"] }';
    await using server = await startNats("--config", {
      content: `authorization { users: [{ user: app, password: secret, permissions: ${permissions} }] }`,
    });
    const connection = await connected(server.url, { user: "app", pass: "secret" });
    await using link = new WatchedLink(nats({ connection, prefix: "app" }));
    await link.untilState("up");
    const results = await Promise.allSettled([link.link.subscribe(["no"]), link.publish("no", "x")]);
    expect(results.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
  });

  it("leaves nothing of closed links behind at the connection", async () => {
    await using server = await startNats();
    const connection = await connected(server.url);
    const events = { message() {}, up() {}, down() {}, refused() {}, error() {} };
    const openAndClose = async () => {
      for (let i = 0; i < 2_000; i++) await nats({ connection }).open(events).close();
      await connection.flush();
    };
    const growth: number[] = [];
    let before = Number.NaN;
    for (let round = 0; round < 4; round++) {
      await openAndClose();
      const { heapUsed } = memoryInUse();
      if (round > 0) growth.push(heapUsed - before);
      before = heapUsed;
    }
    // What a link leaves behind is there in each round; what else the process does, in some.
    expect(Math.min(...growth) / 2_000).toBeLessThan(500);
  });
});

describe("nats()", () => {
  const fake = { publish() {}, subscribe() {}, flush() {}, status() {}, closed() {}, isClosed() {} };

  it.each([
    [undefined, /"connection" must be a connection of @nats-io\/transport-node, not undefined: write nats\(/],
    [{ connection: "nats://localhost" }, /not a string: write nats\(\{ connection: await connect/],
    [{ connection: Promise.resolve(fake) }, /not a Promise: write .* await connect/],
    [{ connection: fake, prefix: "" }, /"prefix" must be letters.*not ""/],
    [{ connection: fake, prefix: "a.*" }, /not "a\.\*"/],
    [{ connection: fake, prefix: "a..b" }, /not "a\.\.b"/],
    [{ connection: fake, prefix: 1 }, /not a number/],
    [{ connection: fake, prefx: "a" }, /no option "prefx"; the options are connection, prefix/],
  ])("throws for %o", (options, text) => {
    expect(() => nats(options as never)).toThrow(TypeError);
    expect(() => nats(options as never)).toThrow(text);
    expect(() => nats(options as never)).toThrow(expect.objectContaining({ code: "SPRY_WS_OPTION" }));
  });

  it("takes a prefix of several parts", () => {
    expect(nats({ connection: fake as never, prefix: "acme.chat_1" }).name).toBe("nats");
  });
});
