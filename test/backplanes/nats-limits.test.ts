import { setImmediate as turn } from "node:timers/promises";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import type { Peer } from "@spry-ws/core";
import { nats } from "@spry-ws/nats";
import { describe, expect, it, onTestFinished } from "vitest";
import { http } from "../adapters/http.ts";
import { type BrokerArgument, missingNats, type OwnBroker, startNats } from "../fixtures/brokers.ts";
import { Client } from "../fixtures/client.ts";
import { Deferred } from "../fixtures/deferred.ts";
import { Queue } from "../fixtures/queue.ts";
import { serve } from "../fixtures/serve.ts";
import { WatchedLink } from "./outages.ts";

/** Arguments of a server that takes so many subscriptions of a connection. */
function limit(maxSubscriptions: number): [string, BrokerArgument] {
  return ["--config", { content: `max_subscriptions: ${maxSubscriptions}` }];
}

async function connected(servers: string): Promise<NatsConnection> {
  const connection = await connect({ servers, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  onTestFinished(() => connection.close());
  return connection;
}

async function opened(connection: NatsConnection): Promise<WatchedLink> {
  const link = new WatchedLink(nats({ connection }));
  onTestFinished(() => link.link.close());
  await link.untilState("up");
  return link;
}

const rooms = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `room ${from + i}`);

/** Which of the topics a link is refused by `subscribe`. */
async function refusedOf(link: WatchedLink, topics: readonly string[]): Promise<string[]> {
  try {
    await link.link.subscribe(topics);
    return [];
  } catch (error) {
    return [...(error as { refused: Map<string, unknown> }).refused.keys()];
  }
}

/** Which of the topics come to which of the links, published by a connection of its own. */
async function heard(server: OwnBroker, links: readonly WatchedLink[], topics: readonly string[]) {
  const publisher = await opened(await connected(server.url));
  for (const { received } of links) received.length = 0;
  await publisher.link.publish([...topics, ...topics].map((topic) => ({ topic, data: Buffer.from("x") })));
  // What was published before is there when this is answered.
  for (const link of links) await link.link.unsubscribe(["nothing"]);
  return links.map(({ received }) => received.map((text) => text.slice(0, -2)));
}

const twice = (topics: readonly string[]) => [...topics, ...topics];

describe.skipIf(missingNats())("a NATS server with max_subscriptions", { timeout: 30_000 }, () => {
  it("has those in force that it takes, and the others are refused, in however many calls they come", async () => {
    await using server = await startNats(...limit(100));
    const link = await opened(await connected(server.url));
    const calls: Promise<string[]>[] = [];
    for (const topics of [rooms(0, 40), rooms(40, 80), rooms(80, 120)]) calls.push(refusedOf(link, topics));
    for (let from = 120; from < 150; from++) {
      await turn();
      calls.push(refusedOf(link, rooms(from, from + 1)));
    }
    const refused = (await Promise.all(calls)).flat();
    expect(refused).toHaveLength(50);
    const taken = rooms(0, 150).filter((room) => !refused.includes(room));
    const [received] = await heard(server, [link], rooms(0, 150));
    expect(received?.toSorted()).toEqual(twice(taken).toSorted());
    await expect(link.link.subscribe(["one more"])).rejects.toMatchObject({
      code: "SPRY_WS_BACKPLANE",
      message: expect.stringMatching(/maximum subscriptions exceeded\): see `max_subscriptions`/),
    });
    await link.link.unsubscribe(taken.slice(0, 10));
    expect(await refusedOf(link, refused.slice(0, 12))).toEqual(refused.slice(10, 12));
    expect([link.errors, link.states]).toEqual([[], ["up"]]);
  });

  it("refuses nothing that was left meanwhile, and nothing of what comes later than there is room", async () => {
    await using server = await startNats(...limit(10));
    const link = await opened(await connected(server.url));
    await link.link.subscribe(rooms(0, 10));
    const first = refusedOf(link, rooms(10, 15));
    const left = link.link.unsubscribe(rooms(0, 15));
    const second = refusedOf(link, rooms(15, 25));
    await left;
    expect(await first).toEqual([]);
    expect(await second).toEqual([]);
    const [received] = await heard(server, [link], rooms(0, 25));
    expect(received).toEqual(twice(rooms(15, 25)));
  });

  it("is shared by the links of a connection: each knows what of its own is refused", async () => {
    await using server = await startNats(...limit(30));
    const connection = await connected(server.url);
    const links = [await opened(connection), await opened(connection)];
    const refused = await Promise.all(links.map((link) => refusedOf(link, rooms(0, 20))));
    expect(refused.flat()).toHaveLength(10);
    const received = await heard(server, links, rooms(0, 20));
    for (const [i, list] of received.entries())
      expect(list).toEqual(twice(rooms(0, 20).filter((room) => !refused[i]?.includes(room))));
  });

  it("may take fewer after a restart: what it refuses is told, the rest is in force when the link is up", async () => {
    await using server = await startNats();
    const connection = await connected(server.url);
    const links = [await opened(connection), await opened(connection)];
    for (const link of links) await link.link.subscribe(rooms(0, 20));
    await server.kill();
    await Promise.all(links.map((link) => link.untilState("down")));
    await server.start(...limit(30));
    await Promise.all(links.map((link) => link.untilState("up")));
    const refused = links.map((link) => [...link.refused.keys()]);
    expect(refused.flat()).toHaveLength(10);
    const received = await heard(server, links, rooms(0, 20));
    for (const [i, list] of received.entries())
      expect(list).toEqual(twice(rooms(0, 20).filter((room) => !refused[i]?.includes(room))));
    // Whoever is told tries again.
    for (const link of links) await link.link.unsubscribe(rooms(0, 20));
    for (const link of links) expect(await refusedOf(link, rooms(0, 15))).toEqual([]);
  });

  it("keeps ready() waiting, with the reason, until there is room; then no room is deaf", async () => {
    await using server = await startNats(...limit(100));
    const errors = new Queue<Error>();
    const opens = new Deferred<Peer>();
    await using app = await serve(http, {
      routes: { "/": { hooks: { open: (peer) => opens.resolve(peer) } } },
      options: {
        backplane: nats({ connection: await connected(server.url) }),
        onError: (error) => errors.push(error as Error),
      },
    });
    await using client = await Client.open(app.url("/"));
    const peer = await opens.promise;
    for (const room of rooms(0, 150)) peer.subscribe(room);
    const reason = /the NATS server takes no more subscriptions .*max_subscriptions/;
    const expected =
      /^nats refuses the subscription to "room 100", .* and 45 more, which is tried again.*: the NATS/;
    const { message } = await errors.next();
    expect(message).toMatch(expected);
    expect(message).toMatch(reason);
    await expect(app.spry.ready({ timeoutMs: 300 })).rejects.toThrow(reason);
    for (const room of rooms(0, 60)) peer.unsubscribe(room);
    await app.spry.ready();
    await using other = await serve(http, {
      routes: {},
      options: { backplane: nats({ connection: await connected(server.url) }) },
    });
    await other.spry.ready();
    for (const room of rooms(0, 150)) other.spry.publish(room, room);
    expect(await client.messages.take(90)).toEqual(rooms(60, 150));
    expect(errors.waiting).toEqual([]);
  });
});
