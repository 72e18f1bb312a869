import { setTimeout as sleep } from "node:timers/promises";
import { type Client, connect, ServiceError } from "@spry-ws/client";
import { defineContract } from "@spry-ws/contract";
import { encodePosition } from "@spry-ws/contract/wire";
import type { History } from "@spry-ws/core";
import { jetStreamHistory } from "@spry-ws/nats";
import { redisHistory } from "@spry-ws/redis";
import { Redis } from "ioredis";
import { describe, expect, it, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import { z } from "zod";
import {
  missingNats,
  missingRedis,
  type OwnBroker,
  startJetStream,
  startRedis,
} from "../fixtures/brokers.ts";
import { connected } from "../histories/jetstream-setup.ts";
import { WatchedHistory } from "../histories/watched-history.ts";
import { randomFrom } from "../hostility/random.ts";
import { Cluster } from "./cluster.ts";
import { compare, type Got, merge, type Stored } from "./sequences.ts";

const seed = Number(process.env["SOAK_SEED"]);
const seconds = Number(process.env["SOAK_SECONDS"]);

/** As in server.mjs. Only its type is used. */
const contract = defineContract({
  requests: {
    say: {
      input: z.object({ kind: z.enum(["kept", "short"]), text: z.string() }),
      output: z.object({ position: z.string() }),
    },
  },
  topics: {
    "kept/:room": { message: z.string(), history: true },
    "short/:room": { message: z.string(), history: true },
  },
});
type Kind = "kept" | "short";

const room = { room: "1" };

interface Store {
  readonly name: string;
  readonly missing: string | false;
  start(): Promise<OwnBroker>;
  history(url: string): Promise<History>;
}

const stores: readonly Store[] = [
  {
    name: "redis",
    missing: missingRedis(),
    start: () => startRedis("--maxmemory-policy", "noeviction"),
    async history(url) {
      const client = new Redis(url, { lazyConnect: true });
      client.on("error", () => {});
      onTestFinished(() => client.disconnect());
      return redisHistory({ client });
    },
  },
  {
    name: "jetstream",
    missing: missingNats(),
    start: () => startJetStream(),
    history: async (url) => jetStreamHistory({ connection: await connected(url), maxMessages: 1_000_000 }),
  },
];

function connectTo(cluster: Cluster): Client<typeof contract> {
  return connect<typeof contract>(cluster.url, {
    WebSocket: WebSocket as never,
    firstDelayMs: 20,
    maxDelayMs: 500,
    stableMs: 500,
  });
}

/** A client that follows a topic from its beginning, and is loaded anew now and then: it goes on from the position it has saved. */
class Subscriber {
  readonly name: string;
  readonly kind: Kind;
  readonly got: Got[] = [];
  position: string | undefined;
  readonly #cluster: Cluster;
  #client: Client<typeof contract> | undefined;
  #isOver = false;

  constructor(cluster: Cluster, kind: Kind, name: string) {
    this.#cluster = cluster;
    this.kind = kind;
    this.name = name;
    this.open();
  }

  get messages(): Stored[] {
    return this.got.filter((item) => "text" in item);
  }

  open(): void {
    if (this.#client || this.#isOver) return;
    this.#client = connectTo(this.#cluster);
    const topic = this.#client.topic(`${this.kind}/:room`, room, { from: this.position ?? "start" });
    topic.onItem((item) => {
      if (item.type === "message") this.got.push({ position: item.position, text: item.data });
      else this.got.push({ gap: item.position });
      this.position = item.position;
    });
  }

  close(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  /** It is not opened again, by a reload that takes its time. */
  end(): void {
    this.#isOver = true;
    this.close();
  }
}

/** Publishes by requests as fast as they are answered. What is confirmed must be in the log, at that place. */
class Publisher {
  readonly confirmed: (Stored & { readonly kind: Kind })[] = [];
  readonly #client: Client<typeof contract>;
  readonly #done: Promise<void>;
  #isOver = false;

  constructor(cluster: Cluster, name: string) {
    this.#client = connectTo(cluster);
    this.#done = this.#run(name);
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#done;
    this.#client.close();
  }

  async #run(name: string): Promise<void> {
    for (let n = 1; !this.#isOver; n++) {
      const text = `${name} ${n} ${"ä".repeat(n % 50)}`;
      const kind = n % 2 === 0 ? "kept" : "short";
      try {
        const { position } = await this.#client.request("say", { kind, text }, { timeoutMs: 10_000 });
        this.confirmed.push({ kind, position, text });
      } catch (error) {
        // A process was killed: it may be stored or not.
        if (!(error instanceof ServiceError)) throw error;
      }
      await sleep(3);
    }
  }
}

async function readAll(history: WatchedHistory, topic: string): Promise<Stored[]> {
  const log: Stored[] = [];
  let from: Parameters<WatchedHistory["read"]>[1] = "start";
  for (;;) {
    const { texts, positions, hasMore } = await history.read(topic, from, 1_000);
    for (const [index, position] of positions.entries()) {
      // "j" and JSON.
      log.push({ position: encodePosition(position), text: JSON.parse(texts[index]?.slice(1) as string) });
      from = position;
    }
    if (!hasMore) return log;
  }
}

describe("everybody has the log of each durable topic, whatever is cut, killed and paused", () => {
  it.for(stores)("$name", async (store, { skip }) => {
    if (store.missing) skip(store.missing);
    console.log(`${store.name}: seed ${seed}, ${seconds / 2} s; SOAK_SEED and SOAK_SECONDS set them`);
    const random = randomFrom(seed);
    await using broker = await store.start();
    await using cluster = await Cluster.start(store.name, broker.url, random);
    const subscribers = Array.from(
      { length: 16 },
      (_, n) => new Subscriber(cluster, n % 4 === 0 ? "short" : "kept", `client ${n}`),
    );
    const publishers = ["ada", "bob", "eve"].map((name) => new Publisher(cluster, name));
    const counts = { cuts: 0, reloads: 0, kills: 0, pauses: 0 };

    const endsAt = performance.now() + (seconds / 2) * 1_000;
    let replacing: Promise<void> | undefined;
    while (performance.now() < endsAt) {
      await sleep(100 + random() * 500);
      const dice = random();
      if (dice < 0.5) {
        counts.cuts++;
        cluster.cut(random());
      } else if (dice < 0.75) {
        counts.reloads++;
        const one = subscribers[Math.floor(random() * subscribers.length)] as Subscriber;
        one.close();
        void sleep(random() * 3_000).then(() => one.open());
      } else if (dice < 0.9) {
        counts.kills++;
        await replacing;
        replacing = cluster.replaceOne();
      } else {
        counts.pauses++;
        await broker.pause();
        await sleep(300 + random() * 1_700);
        broker.resume();
      }
    }
    await replacing;
    await Promise.all(publishers.map((one) => one.end()));
    await cluster.quieten();
    for (const one of subscribers) one.open();

    await using history = new WatchedHistory(await store.history(broker.url));
    await history.untilState("up");
    const ends = { kept: await readAll(history, "kept/1"), short: await readAll(history, "short/1") };
    const isThere = ({ kind, position }: Subscriber) => position === ends[kind].at(-1)?.position;
    for (const until = performance.now() + 60_000; performance.now() < until && !subscribers.every(isThere); )
      await sleep(50);
    for (const one of subscribers) one.end();

    const confirmed = publishers.flatMap((one) => one.confirmed);
    const gaps = subscribers.flatMap(({ got }) => got.filter((item) => "gap" in item)).length;
    console.log(
      `${store.name}: ${ends.kept.length} messages, ${confirmed.length} of them confirmed to clients; ${JSON.stringify(counts)}; ${gaps} gaps`,
    );
    // Of the topic that keeps few, what is gone is known from those who have got it.
    const seen = [...subscribers].filter(({ kind }) => kind === "short").map(({ messages }) => messages);
    const logs = {
      kept: ends.kept,
      short: merge([ends.short, confirmed.filter(({ kind }) => kind === "short"), ...seen]),
    };
    expect(subscribers.flatMap(({ name, kind, got }) => compare(name, got, logs[kind])).slice(0, 20)).toEqual(
      [],
    );
    const stored = new Map([...logs.kept, ...logs.short].map(({ position, text }) => [position, text]));
    expect(confirmed.filter(({ position, text }) => stored.get(position) !== text)).toEqual([]);
    const texts = [...stored.values()];
    expect(texts.length - new Set(texts).size, "messages that are stored twice").toBe(0);
    // A run in which nothing was published, or nothing happened, shows nothing.
    expect(confirmed.length).toBeGreaterThan(seconds);
    expect(Math.min(counts.cuts, counts.reloads)).toBeGreaterThan(0);
    expect(
      subscribers.filter(({ kind, got }) => kind === "kept" && got.some((item) => "gap" in item)),
    ).toEqual([]);
  });
});

it("a comparison finds what is missing, twice, in another place, other than it was, and a gap where nothing is missing", () => {
  const log = [1, 2, 3, 4].map((n) => ({ position: `e.${n}.t${n}`, text: `${n}` }));
  const got = (...ns: number[]): Got[] => ns.map((n) => (n === 0 ? { gap: "e.0." } : (log[n - 1] as Stored)));
  const wrongOf = (items: readonly Got[]) => compare("c", items, log);
  expect(wrongOf(got(1, 2, 3, 4))).toEqual([]);
  expect(wrongOf(got(1, 0, 3, 4))).toEqual([]);
  expect(wrongOf(got(1, 3, 4))).toEqual(["c misses 1 in front of e.3.t3"]);
  expect(wrongOf(got(1, 2, 2, 3, 4))).toEqual(["c got e.2.t2 again, or too late"]);
  expect(wrongOf(got(1, 2, 0, 3, 4))).toEqual([
    "c was told of a gap in front of e.3.t3, where nothing is missing",
  ]);
  expect(wrongOf(got(1, 2, 3))).toEqual(["c ends at 3 of 4"]);
  expect(wrongOf([...got(1, 2, 3), { position: "e.4.t4", text: "5" }])).toEqual([
    "c got other bytes at e.4.t4",
  ]);
  expect(wrongOf([...got(1, 2, 3, 4), { position: "e.4.x", text: "5" }])).toEqual([
    "c got e.4.x, which is not in the log",
  ]);
});
