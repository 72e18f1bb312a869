import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import type { Backplane, BackplaneLink } from "@spry-ws/core";
import { expect, it } from "vitest";
import type { OwnBroker } from "../fixtures/brokers.ts";

const timeoutMs = 15_000;

/** A broker of the tests' own, and the backplane it is for. */
export interface OutageSetup {
  start(): Promise<OwnBroker>;
  /** @param pingIntervalMs how often the server is asked for a sign of life, if that matters */
  create(url: string, pingIntervalMs?: number): Backplane | Promise<Backplane>;
  /** The message, or a matcher of it, of the error that tells of a lost server. */
  readonly lost: unknown;
}

/** What every link does when its broker goes away, with a broker that can be killed. */
export function outageCases(setup: OutageSetup): void {
  it("is down once when the server is killed under load, and back by itself with its subscriptions", async () => {
    await using server = await setup.start();
    await using one = new WatchedLink(await setup.create(server.url));
    await using two = new WatchedLink(await setup.create(server.url));
    await Promise.all([one.untilState("up"), two.untilState("up")]);
    await two.link.subscribe(["load", "other"]);
    const load = new Load(one, "load");
    await two.until(() => two.received.length > 500, "messages");

    await server.kill();
    await Promise.all([one.untilState("down"), two.untilState("down")]);
    await server.start();
    await Promise.all([one.untilState("up"), two.untilState("up")]);
    await two.until(() => two.received.length > 1_000, "messages after the outage");
    const count = await load.stop();
    await two.untilReceived(`load ${count - 1}`);
    await one.publish("other", "x");
    await two.untilReceived("other x");

    expect(one.states).toEqual(["up", "down", "up"]);
    expect(two.states).toEqual(["up", "down", "up"]);
    expect(load.refused).toEqual([]);
    const numbers = inOrder(two.received, "load");
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect(one.reasons[0]).toMatchObject({
      code: "SPRY_WS_BACKPLANE",
      message: setup.lost,
    });
  });

  it("tells since when it has heard nothing where the server is silent before it goes away", async () => {
    await using server = await setup.start();
    await using link = new WatchedLink(await setup.create(server.url));
    await link.untilState("up");
    await link.link.subscribe(["topic"]);
    const publishedAt = performance.now();
    await link.publish("topic", "x");
    await link.untilReceived("topic x");
    await server.pause();
    const silentAt = performance.now();
    await sleep(500);
    await server.kill();
    await link.untilState("down");
    expect(link.lastHeardAt).toBeGreaterThan(publishedAt);
    expect(link.lastHeardAt).toBeLessThan(silentAt);
  });

  it("takes the answers to its pings for signs of life", async () => {
    await using server = await setup.start();
    await using link = new WatchedLink(await setup.create(server.url, 50));
    await link.untilState("up");
    await sleep(300);
    const lateAt = performance.now();
    await sleep(300);
    await server.kill();
    await link.untilState("down");
    expect(link.lastHeardAt).toBeGreaterThan(lateAt);
  });

  it("loses nothing while the server is stopped for a while", async () => {
    await using server = await setup.start();
    await using one = new WatchedLink(await setup.create(server.url));
    await using two = new WatchedLink(await setup.create(server.url));
    await Promise.all([one.untilState("up"), two.untilState("up")]);
    await two.link.subscribe(["load"]);
    await server.pause();
    const published = Array.from({ length: 100 }, (_, index) => one.publish("load", String(index)));
    server.resume();
    await Promise.all(published);
    await two.untilReceived("load 99");
    expect(inOrder(two.received, "load")).toEqual(Array.from({ length: 100 }, (_, index) => index));
    expect(one.states).toEqual(["up"]);
  });
}

/** A link whose events a test waits for. */
export class WatchedLink implements AsyncDisposable {
  readonly link: BackplaneLink;
  /** Without repetitions: a link may tell why it is down more than once. */
  readonly states: string[] = [];
  readonly reasons: Error[] = [];
  readonly errors: unknown[] = [];
  /** Topics that it has lost, and why. */
  readonly refused: Map<string, Error> = new Map();
  readonly received: string[] = [];
  /** What it told the first time it went down. */
  lastHeardAt: number | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(backplane: Backplane) {
    this.link = backplane.open({
      message: (topic, data) => {
        this.received.push(`${topic} ${Buffer.from(data)}`);
        this.#changed();
      },
      up: () => this.#onState("up"),
      down: (reason, { permanent, lastHeardAt } = {}) => {
        this.reasons.push(reason as Error);
        this.lastHeardAt ??= lastHeardAt;
        this.#onState(permanent ? "down for good" : "down");
      },
      refused: (topics) => {
        for (const [topic, reason] of topics) this.refused.set(topic, reason as Error);
        this.#changed();
      },
      error: (error) => {
        this.errors.push(error);
        this.#changed();
      },
    });
  }

  get state(): string | undefined {
    return this.states.at(-1);
  }

  publish(topic: string, text: string): Promise<void> {
    return this.link.publish([{ topic, data: Buffer.from(text) }]);
  }

  until(isTrue: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = () => {
        if (!isTrue()) return;
        clearTimeout(timer);
        this.#waiting.delete(check);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(check);
        reject(new Error(`waited for ${what}; states: ${this.states}; reasons: ${this.reasons}`));
      }, timeoutMs);
      this.#waiting.add(check);
      check();
    });
  }

  untilState(state: string): Promise<void> {
    return this.until(() => this.state === state, state);
  }

  untilReceived(text: string): Promise<void> {
    return this.until(() => this.received.includes(text), text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.link.close();
  }

  #onState(state: string): void {
    if (this.state !== state) this.states.push(state);
    this.#changed();
  }

  #changed(): void {
    for (const check of this.#waiting) check();
  }
}

/**
 * Publishes to a topic as a relay does: a call that fails while the link is down is made again, with the same messages, once
 * the link is up, and before anything else.
 */
export class Load {
  readonly #from: WatchedLink;
  readonly #topic: string;
  readonly #done: Promise<number>;
  #isStopped = false;
  /** Calls that failed on a link that was up. */
  readonly refused: unknown[] = [];

  constructor(from: WatchedLink, topic: string) {
    this.#from = from;
    this.#topic = topic;
    this.#done = this.#run();
  }

  /** @returns how many messages were published */
  stop(): Promise<number> {
    this.#isStopped = true;
    return this.#done;
  }

  async #run(): Promise<number> {
    let next = 0;
    while (!this.#isStopped) {
      await this.#from.untilState("up");
      await turn();
      // Several calls at once: when the first fails, the others must not arrive.
      const first = next;
      const results = await Promise.allSettled(
        Array.from({ length: 5 }, () => this.#from.publish(this.#topic, String(next++))),
      );
      const failed = results.findIndex(({ status }) => status === "rejected");
      if (failed < 0) continue;
      const later = results.slice(failed).filter(({ status }) => status === "fulfilled");
      if (later.length > 0) throw new Error("a call was taken after one that failed");
      if (this.#from.state === "up") this.refused.push((results[failed] as PromiseRejectedResult).reason);
      next = first + failed;
    }
    return next;
  }
}

/** Whether what came of a load is in order; what came twice counts once, as a relay takes it. */
export function inOrder(received: readonly string[], topic: string): number[] {
  const numbers: number[] = [];
  for (const entry of received) {
    if (!entry.startsWith(`${topic} `)) continue;
    const number = Number(entry.slice(topic.length + 1));
    if (!numbers.includes(number)) numbers.push(number);
  }
  return numbers;
}
