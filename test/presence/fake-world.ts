import { defaultIntervals } from "../../packages/service/src/presence/intervals.ts";
import { TopicPresence } from "../../packages/service/src/presence/topic-presence.ts";
import type { PresenceChange } from "../../packages/service/src/presence/view.ts";

const stepMs = 50;

/** What becomes of a message on its way to one process. */
export type Fate = "arrives" | "lost" | "twice" | "late";

interface Sent {
  readonly to: FakeProcess;
  readonly text: string;
  readonly at: number;
}

/** One process: who is present there, and what a listener there has heard. */
export class FakeProcess {
  readonly name: string;
  readonly presence: TopicPresence;
  readonly heard: string[] = [];
  readonly wrong: string[] = [];
  /** As a listener knows it. */
  readonly known = new Map<string, unknown>();
  isPaused = false;
  isDirty = false;
  /** What has come while it was paused. */
  readonly waiting: string[] = [];
  sentBytes = 0;
  sent: string[] = [];
  constructor(world: FakeWorld, name: string, skewMs: number) {
    this.name = name;
    this.presence = new TopicPresence({
      newId: () => world.newId(),
      intervals: defaultIntervals,
      now: () => world.now,
      wallClock: () => world.now + skewMs,
      send: (text) => {
        this.sent.push(text);
        this.sentBytes += text.length;
        world.broadcast(this, text);
      },
      changed: () => {
        this.isDirty = true;
      },
      report: (error) => this.wrong.push(`a listener failed: ${error}`),
    });
    this.presence.membership.listen((change) => this.#hear(change));
    this.presence.hello(defaultIntervals.settleMs);
  }

  join(connection: object, key: string, data: unknown = null): void {
    this.presence.set(connection, key, JSON.stringify(data));
  }

  leave(connection: object, graceMs = 0): void {
    this.presence.leave(connection, graceMs);
  }

  end(): void {
    this.presence.end(10_000);
  }

  get members(): Record<string, unknown> {
    return Object.fromEntries([...this.presence.membership.members].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #hear({ joined, left, updated }: PresenceChange): void {
    for (const { key, data } of joined) {
      if (this.known.has(key)) this.wrong.push(`${key} has joined twice`);
      this.known.set(key, data);
      this.heard.push(`+${key}`);
    }
    for (const { key, data } of updated) {
      if (!this.known.has(key)) this.wrong.push(`${key} was updated, and was not there`);
      this.known.set(key, data);
      this.heard.push(`~${key}`);
    }
    for (const { key } of left) {
      if (!this.known.delete(key)) this.wrong.push(`${key} has left, and was not there`);
      this.heard.push(`-${key}`);
    }
    const { members } = this.presence.membership;
    if (members.size !== this.known.size) this.wrong.push("the members are not those that listeners know");
  }
}

/** Processes with one topic, a network between them that can lose, double and delay, and a clock. */
export class FakeWorld {
  now = 1_000_000;
  readonly processes: FakeProcess[] = [];
  /** What becomes of the next messages: one after the other, and of all when it is empty. */
  fates: Fate[] = [];
  /** Names of processes: those with the same number hear each other. */
  readonly sides = new Map<string, number>();
  #sent: Sent[] = [];
  #ids = 0;

  newId(): string {
    return `id${String(this.#ids++).padStart(4, "0")}`;
  }

  start(name: string, skewMs = 0): FakeProcess {
    const process = new FakeProcess(this, name, skewMs);
    this.processes.push(process);
    return process;
  }

  /** Ends it in the midst of whatever it does. */
  kill(process: FakeProcess): void {
    this.processes.splice(this.processes.indexOf(process), 1);
  }

  resume(process: FakeProcess): void {
    process.isPaused = false;
  }

  broadcast(from: FakeProcess, text: string): void {
    for (const to of this.processes) {
      if (this.#isCut(from, to)) continue;
      const fate = this.fates.shift() ?? "arrives";
      if (fate === "lost" && to !== from) continue;
      const at = this.now + (fate === "late" ? 7_000 : 0);
      this.#sent.push({ to, text, at });
      if (fate === "twice") this.#sent.push({ to, text, at: this.now + 3_000 });
    }
  }

  advance(ms: number): void {
    for (const until = this.now + ms; this.now < until; ) {
      this.now += stepMs;
      this.#deliver();
      for (const process of [...this.processes]) {
        if (process.isPaused) continue;
        if (this.now % defaultIntervals.tickMs === 0) process.presence.tick();
        for (const text of process.waiting.splice(0)) process.presence.receive(text);
        if (!process.isDirty) continue;
        process.isDirty = false;
        process.presence.flush();
      }
    }
  }

  /** All that has gone wrong for listeners. */
  get wrong(): readonly string[] {
    return this.processes.flatMap(({ name, wrong }) => wrong.map((text) => `${name}: ${text}`));
  }

  #deliver(): void {
    const due = this.#sent.filter(({ at }) => at <= this.now);
    if (due.length === 0) return;
    this.#sent = this.#sent.filter(({ at }) => at > this.now);
    for (const { to, text } of due) {
      if (!this.processes.includes(to)) continue;
      if (to.isPaused) to.waiting.push(text);
      else to.presence.receive(text);
    }
  }

  #isCut(from: FakeProcess, to: FakeProcess): boolean {
    return (this.sides.get(from.name) ?? 0) !== (this.sides.get(to.name) ?? 0);
  }
}
