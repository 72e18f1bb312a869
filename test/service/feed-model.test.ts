import { decodePosition, encodePosition, type LogPosition } from "@spry-ws/contract/wire";
import type { SharedMessage } from "@spry-ws/core/adapter";
import fc from "fast-check";
import { expect, it } from "vitest";
import { Allowance } from "../../packages/service/src/history/allowance.ts";
import { DurableTopics } from "../../packages/service/src/history/durable-topics.ts";
import { type Beginning, Follower, type FollowerPeer } from "../../packages/service/src/history/follower.ts";
import { encodeStored } from "../../packages/service/src/history/stored.ts";
import { FaultyHistory } from "../fixtures/faulty-history.ts";

const topic = "t";

/** A client, and what must be true of what it gets: checked with each frame. */
class Client implements FollowerPeer {
  readonly allowance = new Allowance(1e12);
  isOpen = true;
  /** Where it is; undefined before its first answer. */
  position: LogPosition | undefined;
  readonly wrong: string[] = [];
  readonly #history: FaultyHistory;
  /** Behind which message the next one must be: undefined where anything may come. */
  #behind: string | undefined;
  readonly #seen = new Set<string>();
  readonly #trace: string[] = [];
  /** How many frames it takes before it is full. */
  #room = 3;
  #drained: (() => void)[] = [];

  constructor(history: FaultyHistory) {
    this.#history = history;
  }

  offer(message: SharedMessage): boolean {
    if (!this.isOpen || this.#room === 0) return false;
    this.#room--;
    this.#take(JSON.parse(message.message.text()));
    return true;
  }

  drained(): Promise<void> {
    if (this.isOpen && this.#room > 0) return Promise.resolve();
    return new Promise((resolve) => {
      if (this.isOpen) this.#drained.push(resolve);
      else setImmediate(resolve);
    });
  }

  drain(room: number): void {
    this.#room += room;
    const drained = this.#drained;
    this.#drained = [];
    for (const resolve of drained) resolve();
  }

  #take(frame: [kind: string, topic: string, ...rest: string[]]): void {
    this.#trace.push(frame.join(" "));
    const [kind, , first = "", second = ""] = frame;
    const position = decodePosition(first);
    if (kind === "m" && position) this.#onMessage(position);
    else this.#onPlace(kind === "g" ? "gap" : first, kind === "g" ? first : second);
  }

  #onPlace(state: string, text: string): void {
    const position = decodePosition(text);
    if (state === "resumed" && text !== (this.position && encodePosition(this.position)))
      this.#fail("resumed elsewhere");
    this.position = position;
    // Behind a gap in front of everything, the oldest that is kept follows, whichever that is.
    const isOpen = !position || (state === "gap" && position.seq === 0);
    this.#behind = isOpen ? undefined : position.tag;
  }

  #onMessage(position: LogPosition): void {
    const previous = this.#history.previous.get(position.tag);
    if (this.#behind !== undefined && previous !== this.#behind)
      this.#fail(`missing between ${this.#behind} and ${position.tag}, which is behind ${previous}`);
    if (this.#seen.has(position.tag)) this.#fail(`${position.tag} twice`);
    this.#seen.add(position.tag);
    this.#behind = position.tag;
    this.position = position;
  }

  #fail(text: string): void {
    this.wrong.push(`${text}\n  ${this.#trace.join("\n  ")}`);
  }
}

/** Lets all go on that can. */
async function settle(turns: number): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** The topics of one process with its clients, in front of a store of which everything may go wrong. */
class World {
  readonly history = new FaultyHistory();
  readonly errors: unknown[] = [];
  readonly topics: DurableTopics;
  readonly clients = new Map<number, { client: Client; follower: Follower | undefined; leave(): void }>();
  #count = 0;

  /** @param isSliced whether each slice is one client */
  constructor(isSliced: boolean) {
    this.topics = new DurableTopics({
      history: this.history,
      limits: { maxReads: 2, maxTailBytes: 60 },
      report: (error) => this.errors.push(error),
      ...(isSliced && { slices: { atOnce: 0, perLook: 1, ms: 0 } }),
    });
  }

  follow(n: number, from: Beginning): void {
    const client = this.clients.get(n)?.client ?? new Client(this.history);
    this.leave(n);
    client.isOpen = true;
    const feed = this.topics.use(topic);
    const follower = new Follower({ feed, peer: client, from, snapshot: undefined, refuse() {} });
    const leave = () => {
      client.isOpen = false;
      client.drain(0);
      follower.end();
      this.topics.release(feed);
    };
    this.clients.set(n, { client, follower, leave });
    follower.start();
  }

  leave(n: number): void {
    const one = this.clients.get(n);
    if (!one?.client.isOpen) return;
    one.leave();
  }

  publish(): void {
    this.history.publishElsewhere(topic, encodeStored(++this.#count));
  }

  async run(step: Step): Promise<void> {
    const { history } = this;
    const one = "client" in step ? this.clients.get(step.client) : undefined;
    switch (step.do) {
      case "publish":
        for (let i = 0; i < step.count; i++) this.publish();
        break;
      case "tell":
        history.telling = step.how;
        break;
      case "release":
        history.release((count) => shuffled(count, step.seed));
        break;
      case "trim":
        history.trim(topic, step.kept);
        break;
      case "replace":
        if (history.isUp) history.goDown();
        if (step.lacking === undefined) history.empty();
        else history.rollBack(topic, step.lacking);
        break;
      case "down":
        if (history.isUp) history.goDown();
        break;
      case "up":
        if (!history.isUp) history.comeUp();
        break;
      case "join":
        if (!one) this.follow(step.client, step.from);
        break;
      case "resume":
        // One that has never been anywhere has nothing to resume.
        if (one && !one.client.isOpen && one.client.position) this.follow(step.client, one.client.position);
        break;
      case "leave":
        this.leave(step.client);
        break;
      case "drain":
        one?.client.drain(step.room);
    }
    await settle(step.turns);
  }

  /** All is well again: everybody must get all that there is. */
  async end(): Promise<void> {
    const { history } = this;
    history.telling = "tell";
    history.release();
    for (const [n, { client }] of this.clients) {
      if (!client.isOpen && client.position) this.follow(n, client.position);
      client.drain(1_000_000);
    }
    // The check that comes by itself after a while.
    if (history.isUp) history.goDown();
    history.comeUp();
    this.publish();
    await settle(20);
    const isThere = () =>
      [...this.clients.values()].every(
        ({ client }) => !client.isOpen || client.position?.tag === history.head(topic).tag,
      );
    const until = performance.now() + 3_000;
    while (!isThere() && performance.now() < until) await settle(5);
    for (const { client } of this.clients.values()) {
      expect(client.wrong).toEqual([]);
      if (client.isOpen) expect(client.position).toEqual(history.head(topic));
    }
    await this.topics.rest(100, true);
  }
}

function shuffled(count: number, seed: number): number[] {
  const order = [...Array(count).keys()];
  let state = seed;
  for (let i = count - 1; i > 0; i--) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    const other = state % (i + 1);
    [order[i], order[other]] = [order[other] as number, order[i] as number];
  }
  return order;
}

const turns = fc.nat({ max: 3 });
const client = fc.nat({ max: 3 });
const doing = <D extends string>(what: D) => ({ do: fc.constant(what), turns });
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ ...doing("publish"), count: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 1, arbitrary: fc.record({ ...doing("publish"), count: fc.constant(300) }) },
  {
    weight: 3,
    arbitrary: fc.record({ ...doing("tell"), how: fc.constantFrom("tell", "lose", "hold", "twice") }),
  },
  { weight: 2, arbitrary: fc.record({ ...doing("release"), seed: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ ...doing("trim"), kept: fc.nat({ max: 5 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      ...doing("replace"),
      lacking: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record(doing("down")) },
  { weight: 3, arbitrary: fc.record(doing("up")) },
  {
    weight: 4,
    arbitrary: fc.record({
      ...doing("join"),
      client,
      from: fc.constantFrom<Beginning>("now", "start", { last: 2 }, undefined),
    }),
  },
  { weight: 3, arbitrary: fc.record({ ...doing("resume"), client }) },
  { weight: 2, arbitrary: fc.record({ ...doing("leave"), client }) },
  { weight: 4, arbitrary: fc.record({ ...doing("drain"), client, room: fc.integer({ min: 1, max: 400 }) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

it("everybody gets the same messages in the same order, once, or is told of a gap in its place, whatever happens", async () => {
  const seed = Number(process.env["FEED_SEED"] ?? Date.now() % 2 ** 31);
  console.log(`feed: seed ${seed}; FEED_SEED sets it`);
  await fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      fc.array(step, { maxLength: 60, size: "max" }),
      async (isSliced, steps) => {
        const world = new World(isSliced);
        for (const one of steps) await world.run(one);
        await world.end();
      },
    ),
    { seed, endOnFailure: true, numRuns: Number(process.env["FEED_RUNS"] ?? 100) },
  );
}, 60_000);
