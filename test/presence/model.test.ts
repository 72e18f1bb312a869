import fc from "fast-check";
import { expect, it } from "vitest";
import { type FakeProcess, FakeWorld, type Fate } from "./fake-world.ts";

const numRuns = Number(process.env["PRESENCE_RUNS"] ?? 500);
const seed = Number(process.env["PRESENCE_SEED"] ?? Date.now() % 2 ** 31);
console.log(`presence: seed ${seed}; PRESENCE_SEED sets it`);
const graceMs = 10_000;

/** Longer than every grace, silence, lateness and question takes. */
const settledMs = 45_000;

const place = fc.nat({ max: 4 });
const key = fc.constantFrom("ada", "bob", "eve");

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("join" as const), place, key, data: fc.nat({ max: 2 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("update" as const),
      place,
      which: fc.nat(),
      data: fc.nat({ max: 2 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("leave" as const),
      place,
      which: fc.nat(),
      isGone: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("kill" as const), place }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("end" as const), place }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("pause" as const), place }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("cut" as const),
      sides: fc.array(fc.nat({ max: 1 }), { minLength: 5, maxLength: 5 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("fates" as const),
      fates: fc.array(fc.constantFrom<Fate>("arrives", "lost", "twice", "late"), { maxLength: 20 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("wait" as const),
      ms: fc.constantFrom(50, 100, 500, 3_000, 9_950, 16_000),
    }),
  },
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** What is true: who has which connections, in which process. */
class Truth {
  readonly world = new FakeWorld();
  readonly connections = new Map<FakeProcess, Map<object, { key: string; data: number }>>();
  #names = 0;

  constructor(count: number) {
    for (let i = 0; i < count; i++) this.start(i);
  }

  start(place: number): void {
    const process = this.world.start(`${place}.${this.#names++}`, (place - 2) * 5_000);
    this.connections.set(process, new Map());
  }

  at(place: number): FakeProcess {
    const { processes } = this.world;
    return processes[place % processes.length] as FakeProcess;
  }

  run(step: Step): void {
    switch (step.kind) {
      case "wait":
        this.world.advance(step.ms);
        return;
      case "fates":
        this.world.fates = [...step.fates];
        return;
      case "cut":
        for (const [i, { name }] of this.world.processes.entries())
          this.world.sides.set(name, step.sides[i] ?? 0);
        return;
      default:
        this.#runAt(this.at(step.place), step);
    }
  }

  #runAt(process: FakeProcess, step: Exclude<Step, { kind: "wait" | "fates" | "cut" }>): void {
    const connections = this.connections.get(process) as Map<object, { key: string; data: number }>;
    if (step.kind === "pause") {
      process.isPaused = !process.isPaused;
      return;
    }
    if (step.kind === "kill") {
      this.world.kill(process);
      this.connections.delete(process);
      this.start(step.place);
      return;
    }
    if (process.isPaused) return;
    if (step.kind === "end") {
      process.end();
      connections.clear();
      return;
    }
    if (step.kind === "join") {
      const connection = {};
      connections.set(connection, { key: step.key, data: step.data });
      process.join(connection, step.key, step.data);
      return;
    }
    const connection = [...connections.keys()][step.which % Math.max(1, connections.size)];
    const member = connection && connections.get(connection);
    if (!connection || !member) return;
    if (step.kind === "update") {
      member.data = step.data;
      process.join(connection, member.key, step.data);
      return;
    }
    connections.delete(connection);
    process.leave(connection, step.isGone ? graceMs : 0);
  }

  /** The network is well, and everything has had time. */
  settle(): void {
    this.world.fates = [];
    this.world.sides.clear();
    for (const process of this.world.processes) this.world.resume(process);
    this.world.advance(settledMs);
  }

  check(): void {
    const members = new Map<string, Set<unknown>>();
    for (const { key, data } of [...this.connections.values()].flatMap((of) => [...of.values()]))
      members.set(key, (members.get(key) ?? new Set()).add(data));
    const [first] = this.world.processes as [FakeProcess];
    expect(Object.keys(first.members), "the members are those who are present").toEqual(
      [...members.keys()].sort(),
    );
    for (const [key, data] of Object.entries(first.members))
      expect(members.get(key)?.has(data), "the data are those of a connection").toBe(true);
    for (const process of this.world.processes) {
      expect(process.members, `${process.name} knows what ${first.name} knows`).toEqual(first.members);
      expect(Object.fromEntries(process.known), "listeners know the members").toEqual(process.members);
    }
    expect(this.world.wrong).toEqual([]);
  }
}

it("converges to the truth, whatever happens to processes and messages", () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 5 }), fc.array(step, { maxLength: 40 }), (count, steps) => {
      const truth = new Truth(count);
      for (const step of steps) truth.run(step);
      truth.settle();
      truth.check();
    }),
    { numRuns, seed },
  );
}, 120_000);

it("tells nobody of a leave who is never away for longer than the grace, where nothing is lost", () => {
  const move = fc.record({
    to: place,
    key,
    awayMs: fc.constantFrom(0, 50, 2_000, 9_000),
    thenMs: fc.constantFrom(50, 600, 4_000, 12_000),
    isEnd: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 5 }), fc.array(move, { maxLength: 25 }), (count, moves) => {
      const { world } = new Truth(count);
      world.advance(1_000);
      const at = new Map<string, { process: FakeProcess; connection: object }>();
      const join = (key: string, process: FakeProcess) => {
        const connection = {};
        process.join(connection, key, 0);
        at.set(key, { process, connection });
      };
      for (const key of ["ada", "bob", "eve"]) join(key, world.processes[0] as FakeProcess);
      world.advance(1_000);
      for (const { to, key, awayMs, thenMs, isEnd } of moves) {
        const from = at.get(key) as { process: FakeProcess; connection: object };
        const gone = isEnd
          ? [...at].filter(([, { process }]) => process === from.process)
          : [[key, from] as const];
        if (isEnd) from.process.end();
        else from.process.leave(from.connection, graceMs);
        world.advance(awayMs);
        for (const [key] of gone) join(key, world.processes[to % world.processes.length] as FakeProcess);
        world.advance(thenMs);
      }
      for (const process of world.processes)
        expect([...process.heard].sort()).toEqual(["+ada", "+bob", "+eve"]);
      expect(world.wrong).toEqual([]);
    }),
    { numRuns, seed },
  );
}, 120_000);
