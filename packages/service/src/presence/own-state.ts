import { inParts } from "../parts.ts";
import type { LocalMembers } from "./local-members.ts";
import { entryOf, type MemberEntry, type ProcessMessage } from "./process-messages.ts";

/** The most characters of one message, roughly: a longer list goes in several, each of a size that every carrier takes. */
const maxCharacters = 32_768;

/** Tells the other processes who is present here: what changes, all of it when it is asked for, and now and then that it is there. */
export class OwnState {
  readonly id: string;
  readonly #local: LocalMembers;
  readonly #send: (message: ProcessMessage) => void;
  /** Whom the next diff is about. */
  readonly #changed = new Set<string>();
  /** That of the last diff. */
  #number = 0;
  #isAllWanted = false;
  #isBeatWanted = false;
  #toldAt = Number.NEGATIVE_INFINITY;
  #changedAt = Number.NEGATIVE_INFINITY;

  constructor(id: string, local: LocalMembers, send: (message: ProcessMessage) => void) {
    this.id = id;
    this.#local = local;
    this.#send = send;
  }

  mark(key: string): void {
    this.#changed.add(key);
  }

  /** Somebody misses something. */
  wantAll(): void {
    this.#isAllWanted = true;
  }

  /** Somebody asks who is there, or this process has been away. */
  wantBeat(): void {
    this.#isBeatWanted = true;
  }

  /** Whether it has had members, and has had none for so long that nobody knows of it any more, in milliseconds. */
  isForgotten(now: number, ms: number): boolean {
    return this.#number > 0 && this.#local.size === 0 && now - this.#changedAt > ms;
  }

  /** Time has passed. */
  tick(now: number, beatMs: number): void {
    if (now - this.#toldAt >= beatMs) this.#isBeatWanted = true;
  }

  flush(now: number): void {
    const before = this.#number;
    if (this.#changed.size > 0) this.#tellChanges(now);
    if (this.#isAllWanted) this.#tellAll();
    // A process that has never had a member here has nothing to tell.
    else if (this.#isBeatWanted && this.#number === before && before > 0)
      this.#send(["b", this.id, this.#number]);
    if (this.#isAllWanted || this.#isBeatWanted || this.#number !== before) this.#toldAt = now;
    this.#isAllWanted = false;
    this.#isBeatWanted = false;
  }

  #tellChanges(now: number): void {
    const changes = [...this.#changed].map((key): MemberEntry | string => {
      const value = this.#local.get(key);
      return value ? entryOf(key, value) : key;
    });
    this.#changed.clear();
    this.#changedAt = now;
    for (const part of inParts(changes, maxCharacters, sizeOf)) {
      const left = part.filter((change) => typeof change === "string");
      const set = part.filter((change) => typeof change !== "string");
      this.#send(["d", this.id, ++this.#number, set, left]);
    }
  }

  #tellAll(): void {
    const entries = [...this.#local.values()].map(([key, value]) => entryOf(key, value));
    const parts = entries.length > 0 ? inParts(entries, maxCharacters, sizeOf) : [[]];
    for (const [index, part] of parts.entries())
      this.#send(["s", this.id, this.#number, index, parts.length, part]);
  }
}

function sizeOf(change: MemberEntry | string): number {
  return JSON.stringify(change).length;
}
