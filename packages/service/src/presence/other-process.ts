import type { MemberValue } from "./member-value.ts";
import { type MemberEntry, valueOfEntry } from "./process-messages.ts";

/** A whole state that has not come as a whole yet. */
interface Partial {
  readonly number: number;
  readonly parts: Map<number, readonly MemberEntry[]>;
}

/** What is known of the members that another process has. It alone says who they are; nothing is merged. */
export class OtherProcess {
  readonly id: string;
  readonly members: Map<string, MemberValue> = new Map();
  /** When something came of it last. */
  heardAt: number;
  /** When its members leave, as it has ended: undefined while it has not. */
  endsAt: number | undefined;
  /** When it was asked for all, last. */
  askedAt: number = Number.NEGATIVE_INFINITY;
  /** Something of it is missing. */
  isBehind = false;
  /** The number up to which everything is known. Undefined: nothing is. */
  #number: number | undefined;
  #partial: Partial | undefined;
  readonly #changed: (key: string, value: MemberValue | undefined) => void;

  /** @param changed called for each member that has come, gone, or has other data */
  constructor(id: string, now: number, changed: (key: string, value: MemberValue | undefined) => void) {
    this.id = id;
    this.heardAt = now;
    this.#changed = changed;
  }

  /** It says that it has told up to this number. */
  hasTold(number: number): void {
    if (this.#number === undefined ? number > 0 : number > this.#number) this.isBehind = true;
  }

  change(number: number, set: readonly MemberEntry[], left: readonly string[]): void {
    const known = this.#number ?? 0;
    if (number !== known + 1) {
      this.hasTold(number);
      return;
    }
    this.#number = number;
    for (const entry of set) this.#set(entry);
    for (const key of left) if (this.members.delete(key)) this.#changed(key, undefined);
  }

  /** A part of all its members at a number. Older ones than what is known are nothing. */
  takePart(number: number, part: number, parts: number, entries: readonly MemberEntry[]): void {
    if (number < (this.#number ?? 0) || (number === this.#number && !this.isBehind)) return;
    if (this.#partial?.number !== number) this.#partial = { number, parts: new Map() };
    this.#partial.parts.set(part, entries);
    if (this.#partial.parts.size < parts) return;
    const all = [...this.#partial.parts.values()].flat();
    this.#partial = undefined;
    this.#number = number;
    this.isBehind = false;
    const keys = new Set(all.map(([key]) => key));
    for (const key of this.members.keys())
      if (!keys.has(key)) {
        this.members.delete(key);
        this.#changed(key, undefined);
      }
    for (const entry of all) this.#set(entry);
  }

  #set(entry: MemberEntry): void {
    const [key] = entry;
    const value = valueOfEntry(entry);
    this.members.set(key, value);
    this.#changed(key, value);
  }
}
