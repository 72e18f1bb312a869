import type { Api } from "./api.ts";
import { explain } from "./explain.ts";

/** How many topics are remembered that have messages of this link which grow old. */
const maxTopics = 10_000;
/** In how many parts the age of a topic is divided: messages stay for one part longer at most. */
const parts = 4;
const checkMs = { least: 250, most: 60_000 };

interface Mark {
  /** All in front of this number are older than the mark. */
  readonly seq: number;
  readonly at: number;
}

interface Topic {
  readonly subject: string;
  readonly marks: Mark[];
  maxAgeMs: number;
  last: Mark;
}

/**
 * Removes messages that are too old, but for the newest of each topic: one request for each quarter of the age of a topic, one after the
 * other. What it misses, because a process ended, is left out by whoever reads it, and removed then.
 */
export class Purger {
  readonly #api: Api;
  readonly #failed: (error: unknown) => void;
  /** Those that were appended to last at the end. */
  readonly #topics = new Map<string, Topic>();
  /** What is to be removed: subjects, and the number in front of which. */
  readonly #wanted = new Map<string, number>();
  #isPurging = false;
  #isPaused = true;
  #timer: NodeJS.Timeout | undefined;
  #timerMs = checkMs.most;

  constructor(api: Api, failed: (error: unknown) => void) {
    this.#api = api;
    this.#failed = failed;
  }

  /** Notes a message that was appended just now. */
  note(subject: string, seq: number, maxAgeMs: number): void {
    const mark = { seq, at: performance.now() };
    const known = this.#topics.get(subject);
    const topic = known ?? { subject, marks: [], maxAgeMs, last: mark };
    topic.maxAgeMs = maxAgeMs;
    topic.last = mark;
    const newest = topic.marks.at(-1);
    if (newest && mark.at - newest.at < maxAgeMs / parts) return;
    topic.marks.push(mark);
    this.#topics.delete(subject);
    this.#topics.set(subject, topic);
    if (this.#topics.size > maxTopics) this.#forgetOldest();
    this.#schedule(maxAgeMs / parts);
  }

  /** Removes the messages of a subject in front of a number; one with it, or behind it, is there. */
  purge(subject: string, seq: number): void {
    this.#wanted.set(subject, Math.max(seq, this.#wanted.get(subject) ?? 0));
    if (!this.#isPurging && !this.#isPaused) void this.#run();
  }

  /** The numbers are of another stream from now on. */
  forget(): void {
    this.#topics.clear();
    this.#wanted.clear();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    if (!this.#isPurging && this.#wanted.size > 0) void this.#run();
  }

  close(): void {
    this.pause();
    this.forget();
    clearInterval(this.#timer);
  }

  #schedule(wantedMs: number): void {
    const everyMs = Math.min(Math.max(wantedMs, checkMs.least), checkMs.most);
    if (this.#timer && everyMs >= this.#timerMs) return;
    clearInterval(this.#timer);
    this.#timerMs = everyMs;
    this.#timer = setInterval(() => this.#check(), everyMs).unref();
  }

  #check(): void {
    const now = performance.now();
    for (const [subject, { marks, last, maxAgeMs }] of this.#topics) {
      const isAged = ({ at }: Mark) => at + maxAgeMs <= now;
      const aged = isAged(last) ? last : marks.findLast(isAged);
      if (!aged) continue;
      this.purge(subject, aged.seq);
      if (aged === last) this.#topics.delete(subject);
      else marks.splice(0, marks.indexOf(aged) + 1);
    }
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    this.#isPurging = true;
    for (const [subject, seq] of this.#wanted) {
      if (this.#isPaused) break;
      this.#wanted.delete(subject);
      try {
        await this.#api.call(this.#api.subject("STREAM.PURGE"), { filter: subject, seq });
      } catch (error) {
        if (!this.#isPaused) this.#failed(explain(error));
      }
    }
    this.#isPurging = false;
  }

  #forgetOldest(): void {
    for (const subject of this.#topics.keys()) {
      this.#topics.delete(subject);
      return;
    }
  }
}
