import type { ServerFrame } from "@spry-ws/contract/wire";
import type { History } from "@spry-ws/core";
import { redisHistory } from "@spry-ws/redis";
import { memoryHistory } from "@spry-ws/service";
import { Redis } from "ioredis";
import { describe, expect, it } from "vitest";
import { missingRedis, startRedis } from "../fixtures/brokers.ts";
import type { WireClient } from "../fixtures/wire-client.ts";
import { type Live, serveLive } from "./durable.ts";

const topic = "rooms/1";
/** How many clients come back at once, and how often: with 20 rounds, a thousand reconnects. */
const [clientCount, rounds] = [50, Number(process.env["RECONNECT_ROUNDS"] ?? 6)];
/** What a page has at most. */
const pageMessages = 256;

const immediate = () => new Promise<void>((resolve) => setImmediate(resolve));
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await sleep(2);
}

/** The reads of one process, and how many were under way at once. */
class Reads {
  count = 0;
  most = 0;
  #underWay = 0;

  of(history: History): History {
    return {
      name: history.name,
      open: (events) => {
        const link = history.open(events);
        const read: typeof link.read = async (...args) => {
          this.count++;
          this.most = Math.max(this.most, ++this.#underWay);
          try {
            return await link.read(...args);
          } finally {
            this.#underWay--;
          }
        };
        return new Proxy(link, {
          get(target, key: keyof typeof link) {
            return key === "read" ? read : target[key].bind(target);
          },
        });
      },
    };
  }
}

/** Checks with each frame that it is the next. The messages are numbers. */
class Subscriber {
  last: number | undefined;
  readonly wrong: string[] = [];
  resumed = 0;
  #position: string | null = null;
  #client: WireClient | undefined;

  async connect(live: Live): Promise<void> {
    const client = await live.connect([[topic, this.#position]]);
    this.#client = client;
    void this.#read(client);
  }

  cut(): void {
    this.#client?.socket.terminate();
    this.#client = undefined;
  }

  async #read(client: WireClient): Promise<void> {
    while (this.#client === client) {
      const frame = await client.next("s", "m", "g");
      // What had come before the cut, and was not looked at, comes again.
      if (this.#client === client) this.#take(frame);
    }
  }

  #take(frame: ServerFrame): void {
    const [kind, , first, second] = frame;
    if (kind === "m") {
      const number = Number(second);
      if (this.last !== undefined && number !== this.last + 1)
        this.wrong.push(`${number} behind ${this.last}`);
      this.last = number;
      this.#position = String(first);
    } else if (kind === "s" && first === (this.#position === null ? "live" : "resumed")) {
      if (first === "resumed") this.resumed++;
      else this.#position = String(second);
    } else this.wrong.push(`${JSON.stringify(frame)} behind ${this.last}`);
  }
}

function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state / 0x80000000;
  };
}

/** Two services on one store, each with a link of its own. */
async function comeBackAgainAndAgain(history: () => History): Promise<void> {
  const seed = Number(process.env["RECONNECT_SEED"] ?? Date.now() % 2 ** 31);
  console.log(`reconnects: seed ${seed}; RECONNECT_SEED and RECONNECT_ROUNDS set it and how often`);
  const random = randomFrom(seed);
  const reads = [new Reads(), new Reads()];
  await using one = await serveLive({ history: (reads[0] as Reads).of(history()) });
  await using other = await serveLive({ history: (reads[1] as Reads).of(history()) });
  const any = () => (random() < 0.5 ? one : other);
  await Promise.all([one.spry.ready(), other.spry.ready()]);
  const subscribers = Array.from({ length: clientCount }, () => new Subscriber());
  await Promise.all(subscribers.map((subscriber) => subscriber.connect(any())));

  let published = 0;
  let isOver = false;
  let mostReads = 0;
  const publishing = Array.from({ length: 24 }, async () => {
    while (!isOver) {
      await one.service.publish("rooms/:room", { room: "1" }, String(++published));
      await immediate();
    }
  });
  const haveAll = (upTo: number) => until(() => subscribers.every(({ last = 0 }) => last >= upTo));
  const cutAndComeBack = async () => {
    await haveAll(100);
    for (let round = 0; round < rounds; round++) {
      const before = published;
      for (const subscriber of subscribers) subscriber.cut();
      for (const each of reads) each.count = 0;
      await sleep(random() * 50);
      await Promise.all(
        subscribers.map(async (subscriber) => {
          await sleep(random() * 50);
          await subscriber.connect(any());
        }),
      );
      await haveAll(published);
      // One read for each page of what they may have missed. Where a page was the end of the log, what came behind it is another.
      const pages = Math.ceil((published - before) / pageMessages);
      for (const { count, most } of reads) {
        mostReads = Math.max(mostReads, count);
        expect(count).toBeLessThanOrEqual(2 * pages + 2);
        expect(most).toBeLessThanOrEqual(1);
      }
    }
  };
  const startedAt = performance.now();
  try {
    await cutAndComeBack();
  } finally {
    isOver = true;
    await Promise.all(publishing);
  }
  await haveAll(published);
  const seconds = (performance.now() - startedAt) / 1_000;
  console.log(
    `${Math.round(published / seconds)} messages/s to ${clientCount} clients, ${rounds} times away; at most ${mostReads} reads`,
  );
  for (const { wrong, last, resumed } of subscribers)
    expect({ wrong, last, resumed }).toEqual({ wrong: [], last: published, resumed: rounds });
  expect([one.errors, other.errors]).toEqual([[], []]);
}

describe("clients that come back together, again and again, while messages are published as fast as it goes", () => {
  it("miss nothing, get nothing twice, and cost a read for each page, with the history in memory", async () => {
    const history = memoryHistory();
    await comeBackAgainAndAgain(() => history);
  }, 60_000);

  it.skipIf(missingRedis())(
    "miss nothing, get nothing twice, and cost a read for each page, with Redis",
    async () => {
      await using server = await startRedis();
      const client = new Redis(server.url);
      try {
        await comeBackAgainAndAgain(() => redisHistory({ client }));
      } finally {
        client.disconnect();
      }
    },
    60_000,
  );
});
