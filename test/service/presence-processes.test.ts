import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, connect, type Presence, type PresenceChange } from "@spry-ws/client";
import { defineContract } from "@spry-ws/contract";
import { createSpryWs, memoryBackplane, useSubprotocolToken } from "@spry-ws/core";
import { redis } from "@spry-ws/redis";
import { createService, type Service } from "@spry-ws/service";
import { createNetwork, type Network } from "@spry-ws/testing";
import { Redis } from "ioredis";
import { afterAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { z } from "zod";
import { findRedis } from "../fixtures/brokers.ts";
import { listen } from "../fixtures/listen.ts";

const found = await findRedis();
const redisUrl = typeof found === "string" ? undefined : found.url;

afterAll(async () => {
  if (typeof found !== "string") await found[Symbol.asyncDispose]();
});

const contract = defineContract({
  topics: { "rooms/:room": { message: z.string(), presence: z.string() } },
});
type Rooms = typeof contract;

/** One process of a service, with the network in front of it. */
interface Process {
  readonly network: Network;
  readonly room: ReturnType<Service<Rooms>["presence"]>;
  /** It ends in good order. */
  close(): Promise<void>;
}

/** As many processes as a test needs, on one backplane; all here, as what they say to each other is what counts. */
class Processes implements AsyncDisposable {
  readonly #connections: Redis[] = [];
  readonly #closes: (() => Promise<void>)[] = [];
  readonly #clients: Client<Rooms>[] = [];
  readonly #hub = memoryBackplane();
  readonly #prefix = `presence-${Math.random()}:`;
  readonly #isRedis: boolean;

  constructor(isRedis: boolean) {
    this.#isRedis = isRedis;
  }

  async start(graceMs: number): Promise<Process> {
    const spry = createSpryWs({ backplane: this.#backplane() });
    const service = createService<Rooms, { readonly user: string }>(spry, contract, {
      upgrade: (event) => ({ context: { user: useSubprotocolToken(event).token ?? "" } }),
      topics: {
        "rooms/:room": {
          subscribe: true,
          presence: ({ context: { user } }) => (user ? { key: user, data: `${user}!` } : undefined),
          graceMs,
        },
      },
    });
    const { server } = await listen(createServer(spry.handler(service)));
    spry.attach(server);
    const network = await createNetwork(server);
    await spry.ready();
    let closing: Promise<void> | undefined;
    const close = () => {
      closing ??= (async () => {
        await spry.close({ deadlineMs: 1_000 });
        await network.close();
        server.close();
      })();
      return closing;
    };
    this.#closes.push(close);
    const room = service.presence("rooms/:room", { room: "1" });
    await room.ready();
    return { network, room, close };
  }

  /** A page that uses the room, on whichever process the URL says when it connects. */
  open(user: string, url: () => string) {
    const client = connect<Rooms>(url, {
      WebSocket: WebSocket as never,
      firstDelayMs: 5,
      maxDelayMs: 50,
      ...(user && { token: user }),
    });
    this.#clients.push(client);
    const { presence } = client.topic("rooms/:room", { room: "1" });
    return { client, presence, heard: listenTo(presence) };
  }

  #backplane() {
    if (!this.#isRedis) return this.#hub;
    const client = new Redis(redisUrl ?? "");
    this.#connections.push(client);
    return redis({ client, prefix: this.#prefix });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    await Promise.all(this.#closes.map((close) => close()));
    for (const connection of this.#connections) connection.disconnect();
  }
}

function listenTo(presence: Presence<string>): string[] {
  const heard: string[] = [];
  presence.listen(({ joined, left, updated }: PresenceChange<string>) => {
    for (const { key } of joined) heard.push(`+${key}`);
    for (const { key } of left) heard.push(`-${key}`);
    for (const { key } of updated) heard.push(`~${key}`);
  });
  return heard;
}

/** Processes need some time to hear of each other. */
const within = { timeout: 5_000 };

const names = ({ members }: Pick<Presence<string>, "members">) => [...members.keys()].sort().join();

describe.each([
  ["the memory of one process", false],
  ...(redisUrl ? ([["Redis", true]] as const) : []),
] as const)("who is there, in processes that share %s", (_name, isRedis) => {
  it("is the same for pages of both, and whoever comes back to the other one has not been away", async () => {
    await using processes = new Processes(isRedis);
    const [one, other] = [await processes.start(60_000), await processes.start(60_000)];
    let isMoved = false;
    const ada = processes.open("ada", () => (isMoved ? other : one).network.url("/"));
    const bob = processes.open("bob", () => other.network.url("/"));
    for (const { presence } of [ada, bob]) await expect.poll(() => names(presence), within).toBe("ada,bob");
    expect([...bob.presence.members.values()].sort()).toEqual(["ada!", "bob!"]);
    const before = [...bob.heard];
    const wasLost = new Promise<void>((resolve) =>
      ada.presence.listen(() => ada.presence.isLive || resolve()),
    );
    isMoved = true;
    one.network.cut();
    await wasLost;
    await expect.poll(() => ada.presence.isLive, within).toBe(true);
    await sleep(300);
    expect(bob.heard).toEqual(before);
    expect(names(ada.presence)).toBe("ada,bob");
    expect([ada.heard.filter((what) => what.endsWith("ada")), names(one.room)]).toEqual([
      ["+ada"],
      "ada,bob",
    ]);
    ada.client.close();
    await expect.poll(() => bob.heard.at(-1), within).toBe("-ada");
    await expect.poll(() => names(one.room), within).toBe("bob");
  });

  it("has nobody leave whose process ends in good order, and who comes back within the grace; others once", async () => {
    await using processes = new Processes(isRedis);
    const [one, other] = [await processes.start(2_500), await processes.start(2_500)];
    let isMoved = false;
    const ada = processes.open("ada", () => (isMoved ? other : one).network.url("/"));
    processes.open("gone", () => one.network.url("/"));
    const witness = processes.open("", () => other.network.url("/"));
    await expect.poll(() => names(witness.presence), within).toBe("ada,gone");
    isMoved = true;
    await one.close();
    await expect.poll(() => ada.client.status.state, within).toBe("open");
    expect(names(witness.presence)).toBe("ada,gone");
    await expect.poll(() => names(witness.presence), { timeout: 6_000 }).toBe("ada");
    await sleep(500);
    expect(witness.heard.sort()).toEqual(["+ada", "+gone", "-gone"]);
    expect(ada.heard.filter((what) => what.endsWith("ada"))).toEqual(["+ada"]);
  }, 20_000);
});
