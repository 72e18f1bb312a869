import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";
import type { BackplaneRefusal } from "@spry-ws/core";
import { redis } from "@spry-ws/redis";
import { Redis } from "ioredis";
import { describe, expect, it, onTestFinished } from "vitest";
import { missingRedis, type OwnBroker, startRedis, startRedisCluster } from "../fixtures/brokers.ts";
import { inOrder, Load, outageCases, WatchedLink } from "./outages.ts";
import { redisLibraries, type UserClient } from "./redis-clients.ts";

describe.skipIf(missingRedis()).each(redisLibraries)("Redis with $name", { timeout: 60_000 }, (library) => {
  const client = (url: string) => disposed(library.idle(url));
  const cluster = async (nodes: readonly OwnBroker[]) => disposed(await library.cluster(nodes));

  outageCases({
    start: startRedis,
    create: (url, pingIntervalMs) =>
      redis({ client: client(url), ...(pingIntervalMs !== undefined && { pingIntervalMs }) }),
    lost: expect.stringMatching(/Redis cannot be reached: /),
  });

  it("is down when the server stops answering, and back when it answers again", async () => {
    await using server = await startRedis();
    await using one = new WatchedLink(redis({ client: client(server.url), pingIntervalMs: 200 }));
    await one.untilState("up");
    await one.link.subscribe(["topic"]);
    await server.pause();
    const published = one.publish("topic", "lost");
    await one.untilState("down");
    await expect(published).rejects.toMatchObject({ code: "SPRY_WS_BACKPLANE" });
    expect(one.reasons[0]?.message).toMatch(/no answer to a PING for 200 ms/);
    server.resume();
    await one.untilState("up");
    await one.publish("topic", "back");
    await one.untilReceived("topic back");
  });

  it("is down for good with a wrong password or none, and says what to check", async () => {
    await using server = await startRedis("--requirepass", "right");
    await using none = new WatchedLink(redis({ client: client(server.url) }));
    await none.untilState("down for good");
    expect(none.reasons[0]?.message).toMatch(/Redis wants a password and the client has none/);
    await none.until(() => none.reasons.length >= 3, "more attempts");
    expect(none.states).toEqual(["down for good"]);
    await using wrong = new WatchedLink(redis({ client: client(server.url.replace("//", "//:wrong@")) }));
    await wrong.untilState("down for good");
    expect(wrong.reasons[0]).toMatchObject({
      code: "SPRY_WS_BACKPLANE",
      message: expect.stringMatching(
        /Redis refused the username or password of the client: check them \(WRONGPASS/,
      ),
      cause: expect.any(Error),
    });
    expect(inspect(wrong.reasons[0], { depth: 5 })).not.toMatch(/'wrong'|"wrong"/);
    await using right = new WatchedLink(redis({ client: client(server.url.replace("//", "//:right@")) }));
    await right.untilState("up");
  });

  it("needs no more than two commands and its channels, and goes without those that are refused", async () => {
    await using server = await startRedis();
    const admin = new Redis(server.url);
    onTestFinished(() => admin.disconnect());
    const rights = ["-@all", "+subscribe", "+unsubscribe", "+publish", "+ping", "+info", "resetchannels"];
    await admin.call("ACL", "SETUSER", "app", "on", ">secret", ...rights, "&spry-ws:*");
    await using link = new WatchedLink(redis({ client: client(server.url.replace("//", "//app:secret@")) }));
    await link.untilState("up");
    await link.link.subscribe(["topic"]);
    await link.publish("topic", "x");
    await link.untilReceived("topic x");

    // Redis ends the connections of whoever is subscribed to what is not permitted any more.
    await link.link.subscribe(["ok"]);
    await admin.call("ACL", "SETUSER", "app", "resetchannels", "&spry-ws:ok");
    await link.until(() => link.refused.size > 0, "a refused topic");
    await link.untilState("up");
    expect(link.states).toEqual(["up", "down", "up"]);
    expect([...link.refused.keys()]).toEqual(["topic"]);
    expect(link.refused.get("topic")?.message).toMatch(/lacks a permission.*NOPERM/);
    const many = Array.from({ length: 40 }, (_, index) => `many ${index}`);
    expect(await refusedBy(link.link.subscribe(["new", "ok", ...many]))).toEqual(new Set(["new", ...many]));
    await link.publish("ok", "y");
    await link.untilReceived("ok y");

    await admin.call("ACL", "SETUSER", "app", "-publish");
    await expect(link.publish("ok", "z")).rejects.toThrow(/lacks a permission.*NOPERM/);
    await admin.call("ACL", "SETUSER", "app", "-subscribe");
    expect(await refusedBy(link.link.subscribe(["new", "ok"]))).toEqual(new Set(["new", "ok"]));
    expect(link.states).toEqual(["up", "down", "up"]);
    expect(link.errors).toEqual([]);
  });

  it("is down while nobody listens at the address, and up when somebody does", async () => {
    await using server = await startRedis();
    await server.kill();
    await using link = new WatchedLink(redis({ client: client(server.url) }));
    await link.untilState("down");
    expect(link.reasons[0]?.message).toMatch(/Redis cannot be reached: .*ECONNREFUSED/);
    await server.start();
    await link.untilState("up");
  });

  it("closes at once while the server does not answer", async () => {
    const silent = createServer();
    onTestFinished(() => void silent.close());
    await using link = new WatchedLink(redis({ client: client(await listening(silent)) }));
    const [socket] = await once(silent, "connection");
    onTestFinished(() => socket.destroy());
    await link.link.close();
    expect(link.states).toEqual([]);
  });

  it("leaves no connection behind, at whatever moment it is closed", async () => {
    await using server = await startRedis();
    await using servers = await startRedisCluster(2);
    const admin = new Redis(server.url);
    onTestFinished(() => admin.disconnect());
    const count = async () => {
      const lists = [admin.client("LIST")];
      for (const node of servers.nodes) lists.push(servers.command(node, "client", "list"));
      return (await Promise.all(lists)).join("").match(/^id=/gm)?.length;
    };
    const clients = [client(server.url), await cluster(servers.nodes)];
    await sleep(200);
    const before = await count();
    const events = { message() {}, up() {}, down() {}, refused() {}, error() {} };
    for (const ms of [0, 0, 1, 2, 3, 5, 8, 12])
      for (const client of clients) {
        const link = redis({ client }).open(events);
        if (ms > 0) await sleep(ms);
        await link.close();
      }
    await expect.poll(count).toBe(before);
    // Nor is one made later.
    await sleep(100);
    expect(await count()).toBe(before);
  });

  it("follows a slot of a cluster to another server, and is down meanwhile", async () => {
    await using servers = await startRedisCluster(2);
    const [from, to] = servers.nodes as [OwnBroker, OwnBroker];
    await using one = new WatchedLink(redis({ client: await cluster(servers.nodes), prefix: "" }));
    await using two = new WatchedLink(redis({ client: await cluster(servers.nodes), prefix: "" }));
    await Promise.all([one.untilState("up"), two.untilState("up")]);
    // CRC16("bar") is slot 5061, of the first half.
    await two.link.subscribe(["bar", "foo"]);
    await one.publish("bar", "before");
    await two.untilReceived("bar before");
    const load = new Load(one, "bar");
    await two.until(() => two.received.length > 100, "messages");

    const target = await servers.command(to, "cluster", "myid");
    for (const node of [to, from]) await servers.command(node, "cluster", "setslot", "5061", "node", target);
    await two.until(() => two.states.length >= 3 && two.state === "up", "down, then up");
    await two.until(() => two.received.length > 500, "messages after the move");
    const count = await load.stop();
    await two.untilReceived(`bar ${count - 1}`);
    expect(load.refused).toEqual([]);
    const numbers = inOrder(two.received, "bar");
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    await one.publish("foo", "x");
    await two.untilReceived("foo x");
  });

  it("is back after a server of a cluster was killed and started again", async () => {
    await using servers = await startRedisCluster(3);
    await using one = new WatchedLink(redis({ client: await cluster(servers.nodes) }));
    await using two = new WatchedLink(redis({ client: await cluster(servers.nodes) }));
    await Promise.all([one.untilState("up"), two.untilState("up")]);
    const topics = Array.from({ length: 30 }, (_, index) => `topic ${index}`);
    await two.link.subscribe(topics);
    const [, killed] = servers.nodes as [OwnBroker, OwnBroker];
    await killed.kill();
    await Promise.all([one.untilState("down"), two.untilState("down")]);
    await killed.start();
    await Promise.all([one.untilState("up"), two.untilState("up")]);
    await one.link.publish(topics.map((topic) => ({ topic, data: Buffer.from("back") })));
    await two.until(() => two.received.length === 30, "a message for each topic");
  });

  it("uses plain channels in a cluster without sharded ones", async () => {
    const old = ["--rename-command", "SPUBLISH", "", "--rename-command", "SSUBSCRIBE", ""];
    await using servers = await startRedisCluster(2, ...old);
    await using one = new WatchedLink(redis({ client: await cluster(servers.nodes) }));
    await using two = new WatchedLink(redis({ client: await cluster(servers.nodes) }));
    await Promise.all([one.untilState("up"), two.untilState("up")]);
    const topics = ["a", "b", "c", "d"];
    await two.link.subscribe(topics);
    await one.link.publish(topics.map((topic) => ({ topic, data: Buffer.from("x") })));
    await two.until(() => two.received.length === 4, "a message for each topic");
    await two.link.unsubscribe(topics);
    expect(two.states).toEqual(["up"]);
  });
});

it.skipIf(missingRedis())(
  "ioredis: does not call lost what is only late, whatever the client's commandTimeout",
  async () => {
    await using server = await startRedis();
    const client = new Redis(server.url, { commandTimeout: 100, lazyConnect: true });
    await using link = new WatchedLink(redis({ client }));
    await link.untilState("up");
    await link.link.subscribe(["topic"]);
    await server.pause();
    const published = link.publish("topic", "late");
    await sleep(300);
    server.resume();
    await published;
    await link.untilReceived("topic late");
    expect(link.states).toEqual(["up"]);
  },
);

/** What an ioredis client is known by. */
const fake = { duplicate() {}, pipeline() {}, disconnect() {} };

describe("redis()", () => {
  it.each([
    [
      undefined,
      /"client" must be a client of ioredis 5 or node-redis 5.*not undefined: write redis\(\{ client: new Redis/,
    ],
    [{}, /"client" must be .*not undefined/],
    [
      "redis://user:secret@host",
      /takes an object with the client, not a string: write redis\(\{ client \}\)/,
    ],
    [{ duplicate() {} }, /takes an object with the client, not an object: write redis\(\{ client \}\)/],
    [{ client: "redis://user:secret@host" }, /not a string: write .*new Redis\("redis:\/\/…@host"\)/],
    [{ client: Promise.resolve() }, /not a Promise/],
    [{ client: { publish() {}, subscribe() {} } }, /not an object/],
    [{ client: fake, prefix: 5 }, /"prefix" must be a string without lone surrogates, not a number/],
    [{ client: fake, prefix: "\ud800" }, /"prefix" must be a string without lone surrogates/],
    [
      { client: fake, pingIntervalMs: -1 },
      /"pingIntervalMs" must be a whole number from 0 to 2147483647, not -1/,
    ],
    [{ client: fake, prefx: "a" }, /no option "prefx"; the options are client, prefix, pingIntervalMs/],
  ])("throws for %o", (options, text) => {
    expect(() => redis(options as never)).toThrow(TypeError);
    expect(() => redis(options as never)).toThrow(text);
    expect(() => redis(options as never)).toThrow(expect.objectContaining({ code: "SPRY_WS_OPTION" }));
  });
});

async function refusedBy(call: Promise<void>): Promise<Set<string>> {
  const error: Partial<BackplaneRefusal<string>> = await call.then(
    () => new Error("nothing is refused"),
    (error) => error,
  );
  return new Set(error.refused?.keys());
}

async function listening(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `redis://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function disposed({ client, dispose }: UserClient): UserClient["client"] {
  onTestFinished(dispose);
  return client;
}
