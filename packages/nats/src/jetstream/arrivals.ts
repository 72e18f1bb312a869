import type { HistoryEntry } from "@spry-ws/core";
import type { NatsHeadersLike } from "../types.ts";
import { positionOf, storedOf } from "./stored.ts";

/** How long a message waits for the one before it: the server may send those of several publishers in another order than it stores them. */
const patienceMs = 100;
/** How many wait at most. */
const maxWaiting = 1_000;

/** A message as it came. */
export interface Arrival extends HistoryEntry {
  readonly topic: string;
  readonly previousSeq: number | undefined;
}

/** @returns undefined for what is none of a stream's */
export function arrivalOf(
  topic: string,
  epoch: string,
  data: Uint8Array,
  headers: NatsHeadersLike,
): Arrival | undefined {
  const seq = Number(headers.get("Nats-Sequence"));
  if (!(seq > 0)) return undefined;
  const stored = storedOf(seq, 0, data, (name) => headers.get(name));
  // 0 also where the one before it was deleted.
  const previousSeq = Number(headers.get("Nats-Last-Sequence")) || (stored.isFirst ? 0 : undefined);
  return { topic, position: positionOf(epoch, stored), data, previousSeq };
}

/** Messages of one topic that came before one that is in front of them. */
interface Waiting {
  readonly arrivals: Arrival[];
  readonly since: number;
}

/** Puts what comes into the order of the log, and finds out when it comes from another stream than before. */
export class Arrivals {
  readonly #deliver: (arrival: Arrival) => void;
  readonly #confirm: () => Promise<void>;
  /** The number of the last message of each topic that was delivered. */
  readonly #last = new Map<string, number>();
  readonly #waiting = new Map<string, Waiting>();
  #timer: NodeJS.Timeout | undefined;
  /** The highest number that the stream is known to have given. */
  #highest = 0;
  /** What came since there is a doubt about the stream. */
  #held: Arrival[] | undefined;
  #isDoubtful = false;
  #beginnings = 0;

  /** @param confirm resolves if the stream is the same as before; otherwise it calls `begin` first. Never rejects */
  constructor(deliver: (arrival: Arrival) => void, confirm: () => Promise<void>) {
    this.#deliver = deliver;
    this.#confirm = confirm;
  }

  /** Forgets what came. @param highest number that the stream has given */
  begin(highest: number): void {
    this.#beginnings++;
    this.#highest = highest;
    this.#held = undefined;
    this.#last.clear();
    this.#waiting.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  leave(topic: string): void {
    this.#last.delete(topic);
    this.#waiting.delete(topic);
  }

  take(arrival: Arrival): void {
    const { seq } = arrival.position;
    // A new stream begins its numbers anew. Mostly it is one that has come late.
    const isDoubtful = seq <= this.#highest;
    if (isDoubtful) this.#isDoubtful = true;
    else this.#highest = seq;
    if (this.#held) this.#held.push(arrival);
    else if (isDoubtful) void this.#ask([arrival]);
    else this.#sort(arrival);
  }

  /** Never rejects. */
  async #ask(held: Arrival[]): Promise<void> {
    const beginning = this.#beginnings;
    this.#held = held;
    while (this.#isDoubtful) {
      this.#isDoubtful = false;
      await this.#confirm();
      if (beginning !== this.#beginnings) return;
    }
    this.#held = undefined;
    for (const arrival of held) this.#sort(arrival);
  }

  #sort(arrival: Arrival): void {
    const { topic, previousSeq } = arrival;
    const last = this.#last.get(topic);
    // What is missing in front of it may still come.
    if (last !== undefined && previousSeq !== undefined && previousSeq > last) this.#wait(arrival);
    else this.#pass(arrival);
  }

  /** Delivers it, and what waits behind it. */
  #pass(arrival: Arrival): void {
    const { topic } = arrival;
    for (let next: Arrival | undefined = arrival; next; ) {
      const last = Math.max(next.position.seq, this.#last.get(topic) ?? 0);
      this.#last.set(topic, last);
      this.#deliver(next);
      next = this.#takeBehind(topic, last);
    }
  }

  #takeBehind(topic: string, last: number): Arrival | undefined {
    const arrivals = this.#waiting.get(topic)?.arrivals;
    if (!arrivals) return undefined;
    const index = arrivals.findIndex(({ previousSeq }) => previousSeq === last);
    const [behind] = index < 0 ? [] : arrivals.splice(index, 1);
    if (arrivals.length === 0) this.#waiting.delete(topic);
    return behind;
  }

  #wait(arrival: Arrival): void {
    const { topic } = arrival;
    const waiting = this.#waiting.get(topic) ?? { arrivals: [], since: performance.now() };
    waiting.arrivals.push(arrival);
    this.#waiting.set(topic, waiting);
    if (waiting.arrivals.length >= maxWaiting) this.#giveUp(topic, waiting);
    else this.#startTimer();
  }

  #check(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (const [topic, waiting] of this.#waiting)
      if (now - waiting.since >= patienceMs) this.#giveUp(topic, waiting);
    if (this.#waiting.size > 0) this.#startTimer();
  }

  #startTimer(): void {
    // What came while the process was busy is read before its end.
    this.#timer ??= setTimeout(() => setImmediate(() => this.#check()), patienceMs);
  }

  /** What is missing does not come: whoever listens reads it. */
  #giveUp(topic: string, { arrivals }: Waiting): void {
    this.#waiting.delete(topic);
    for (const arrival of arrivals.sort((a, b) => a.position.seq - b.position.seq)) this.#pass(arrival);
  }
}
