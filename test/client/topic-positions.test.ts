import { randomInt } from "node:crypto";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import type { Client, TopicFrom, TopicHandle, TopicItem } from "@spry-ws/client";
import fc from "fast-check";
import { expect, it } from "vitest";
import { type contract, type Log, LogService } from "./log-service.ts";

/** `POSITIONS_SEED` repeats a run, `POSITIONS_RUNS` makes it longer. */
const seed = Number(process.env.POSITIONS_SEED ?? randomInt(1, 2 ** 31));
const numRuns = Number(process.env.POSITIONS_RUNS ?? 150);

type Item = TopicItem<number, number, string>;

const maxItems = 8;

type Beginning = "now" | "start" | "last" | "saved";

type Step =
  | { readonly do: "use"; readonly from: Beginning; readonly number: number }
  | { readonly do: "listen" | "loop" | "stop" | "close"; readonly use: number }
  | { readonly do: "read"; readonly use: number; readonly count: number }
  | { readonly do: "publish" | "trim" | "rollBack"; readonly count: number }
  | { readonly do: "hear" | "send" | "tell"; readonly count: number }
  | { readonly do: "cut" }
  | { readonly do: "empty" };

const count = fc.integer({ min: 1, max: 12 });
const use = fc.nat(4);
const constantFrom = <const T extends string>(...names: T[]) => fc.constantFrom(...names);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: constantFrom("use"),
      from: constantFrom("now", "start", "last", "saved"),
      number: fc.nat(20),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: constantFrom("listen", "loop"), use }) },
  { weight: 1, arbitrary: fc.record({ do: constantFrom("stop", "close"), use }) },
  { weight: 6, arbitrary: fc.record({ do: constantFrom("read"), use, count }) },
  { weight: 20, arbitrary: fc.record({ do: constantFrom("publish", "hear", "send", "tell"), count }) },
  { weight: 1, arbitrary: fc.record({ do: constantFrom("trim", "rollBack"), count }) },
  { weight: 2, arbitrary: fc.record({ do: constantFrom("cut") }) },
  { weight: 1, arbitrary: fc.record({ do: constantFrom("empty") }) },
);

/** One use of the topic, and what is right for it to get. */
class CheckedUse {
  readonly #handle: TopicHandle<Item>;
  readonly #log: Log;
  readonly #hasSnapshots: boolean;
  readonly #beginsAt: () => string;
  /** Where it may begin: what `#beginsAt` was at any time since. */
  readonly #beginnings = new Set<string>();
  /** The position of the last item; undefined if there was none. */
  #at: string | undefined;
  #isSnapshotDue: boolean;
  #loop: (AsyncIterableIterator<Item, undefined> & { readonly size?: number }) | undefined;
  #stop: (() => void) | undefined;
  #failure: unknown;
  isClosed = false;

  constructor(
    client: Client<typeof contract>,
    service: LogService,
    from: Beginning,
    number: number,
    hasSnapshots: boolean,
  ) {
    const { log } = service;
    this.#log = log;
    this.#hasSnapshots = hasSnapshots;
    this.#isSnapshotDue = hasSnapshots && from === "now";
    const positions = ["e1.0.", ...log.ever.keys()];
    const saved = positions[positions.length - 1 - (number % positions.length)] as string;
    const last = 1 + number;
    const places: Record<Beginning, [from: TopicFrom, beginsAt: () => string]> = {
      now: ["now", () => log.head],
      start: ["start", () => log.base],
      last: [{ last }, () => log.beforeLast(last)],
      saved: [saved, () => saved],
    };
    [, this.#beginsAt] = places[from];
    this.#handle = client.topic("log", {}, { from: places[from][0] });
    this.look();
    // An answer that is under way to another use is one to this use too.
    if (from === "now") for (const position of service.answersUnderWay) this.#beginnings.add(position);
  }

  /** Something has changed. */
  look(): void {
    if (this.#failure) throw this.#failure;
    expect(this.#loop?.size ?? 0).toBeLessThanOrEqual(maxItems + 2);
    this.#beginnings.add(this.#beginsAt());
    const { position } = this.#handle;
    if (position === "start" || position?.startsWith("last")) return;
    if (this.#at === undefined && position !== undefined) {
      expect([...this.#beginnings]).toContain(position);
      this.#at = position;
    }
    expect(position).toBe(this.#at);
  }

  listen(): void {
    this.#stop ??= this.#handle.onItem((item) => {
      try {
        this.#check(item);
      } catch (error) {
        this.#failure ??= error;
      }
    });
  }

  loop(): void {
    if (this.#stop) return;
    const loop = this.#handle[Symbol.asyncIterator]();
    this.#loop = loop;
    this.#stop = () => void loop.return?.();
  }

  stop(): void {
    this.#stop?.();
    this.#stop = this.#loop = undefined;
  }

  close(): void {
    this.#handle.close();
    this.isClosed = true;
  }

  /** @returns how many items there were */
  async read(count: number): Promise<number> {
    let n = 0;
    for (; n < count && this.#loop?.size; n++) this.#check((await this.#loop.next()).value as Item);
    return n;
  }

  /** Everything has come: so it must have it. */
  end(): void {
    if (!this.#stop) return;
    expect(this.#handle.state).toBe("live");
    expect(this.#handle.position).toBe(this.#log.head);
  }

  #check(item: Item): void {
    const at = this.#at;
    const isOpenGap = item.type === "gap" && this.#hasSnapshots;
    if (!isOpenGap) this.#at = item.position;
    if (!isOpenGap) expect(this.#handle.position).toBe(item.position);
    if (item.type === "gap") {
      const places = at === undefined ? [...this.#beginnings] : [at];
      const isMissing = places.some((place) => this.#log.after(place) === undefined);
      expect(isMissing, `a gap behind ${places}, where nothing is missing`).toBe(true);
      this.#isSnapshotDue = this.#hasSnapshots;
      return;
    }
    expect(item.type, "a snapshot is due, or none").toBe(this.#isSnapshotDue ? "snapshot" : "message");
    this.#isSnapshotDue = false;
    if (item.type === "snapshot") {
      expect(item.data).toBeGreaterThanOrEqual(this.#log.ever.get(item.position)?.data ?? 0);
      return;
    }
    const entry = this.#log.ever.get(item.position);
    expect(item.data).toBe(entry?.data);
    if (at !== undefined) expect(entry?.previous).toBe(at);
    else expect([...this.#beginnings]).toContain(entry?.previous);
  }
}

/** Takes the steps, then waits until everything is where it belongs. */
async function run(hasSnapshots: boolean, steps: readonly Step[]): Promise<void> {
  const service = new LogService(hasSnapshots);
  const { log } = service;
  const client = service.connect(maxItems);
  let uses: CheckedUse[] = [];
  const take = async (one: Step) => {
    if (one.do === "use") uses.push(new CheckedUse(client, service, one.from, one.number, hasSnapshots));
    else if (one.do === "read") await uses[one.use]?.read(one.count);
    else if ("use" in one) uses[one.use]?.[one.do]();
    else if (one.do === "empty") log.empty();
    else if (one.do === "hear" || one.do === "send" || one.do === "tell") service[one.do](one.count);
    else if (one.do !== "cut") log[one.do](one.count);
    // Nobody is told what is not there any more: a store that comes back from a copy was away.
    if (one.do === "cut" || one.do === "rollBack") service.cut();
    uses = uses.filter(({ isClosed }) => !isClosed);
    await setImmediate();
    for (const each of uses) each.look();
  };
  try {
    for (const one of steps) await take(one);
    for (let isBusy = true; isBusy; ) {
      await sleep(1);
      isBusy = !service.isQuiet;
      for (const way of ["hear", "send", "tell"] as const) await take({ do: way, count: 20 });
      for (const use of uses) isBusy = (await use.read(100)) > 0 || isBusy;
    }
    for (const use of uses) use.end();
  } finally {
    client.close();
  }
}

it(`over random reads, cuts and losses of the log, every use of a durable topic has it in order, once, or has a gap (POSITIONS_SEED=${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(step, { minLength: 10, maxLength: 120, size: "max" }), run),
    { seed, numRuns },
  );
}, 60_000);
