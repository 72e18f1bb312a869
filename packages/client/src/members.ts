import type { Presence as Sent } from "@spry-ws/contract/wire";
import { Emitter } from "./emitter.ts";
import type { Presence, PresenceChange, PresenceMember, PresenceState } from "./presence.ts";

type Known = ReadonlyMap<string, unknown>;

/** Who is there in a topic, for all its uses that have asked. */
export class Members implements PresenceState<unknown> {
  readonly changes: Emitter<PresenceChange<unknown>> = new Emitter();
  count = 0;
  isComplete = false;
  isLive = false;
  /** The last members that were complete: what comes is compared with them. */
  #known: Known = new Map();
  /** Those that have come of a list that is not complete yet. */
  #coming = new Map<string, unknown>();

  get members(): Known {
    return this.isComplete ? this.#known : new Map();
  }

  received({ count, all, from, set, gone }: Sent): void {
    let next = this.#known;
    if (all) {
      if (!from) this.#coming = new Map();
      for (const [key, data] of all) this.#coming.set(key, data);
      if (this.#coming.size < count) return;
      next = this.#coming;
    } else if (set || gone) {
      // Of what has not come as a whole, a change says nothing.
      if (!this.isComplete || !this.isLive) return;
      const changed = new Map(next);
      for (const [key, data] of set ?? []) changed.set(key, data);
      for (const key of gone ?? []) changed.delete(key);
      next = changed;
    }
    this.count = count;
    this.isComplete = all !== undefined || next !== this.#known;
    this.isLive = true;
    this.#become(next);
  }

  /** What is known is out of date from now on. */
  lost(): void {
    if (!this.isLive) return;
    this.isLive = false;
    this.#become(this.#known);
  }

  #become(next: Known): void {
    const known = this.#known;
    this.#known = next;
    const joined: PresenceMember<unknown>[] = [];
    const left: PresenceMember<unknown>[] = [];
    const updated: PresenceMember<unknown>[] = [];
    for (const [key, data] of next) {
      const before = known.get(key);
      if (!known.has(key)) joined.push({ key, data });
      else if (before !== data && JSON.stringify(before) !== JSON.stringify(data))
        updated.push({ key, data });
    }
    for (const [key, data] of known) if (!next.has(key)) left.push({ key, data });
    this.changes.emit({ joined, left, updated });
  }
}

/** What one use shows of them. */
export class UsePresence implements Presence<unknown> {
  readonly #members: Members;
  readonly #changes = new Emitter<PresenceChange<unknown>>();
  /** No listener is called any more. */
  readonly close: () => void;

  constructor(members: Members) {
    this.#members = members;
    this.close = members.changes.on((change) => this.#changes.emit(change));
  }

  get members(): Known {
    return this.#members.members;
  }

  get count(): number {
    return this.#members.count;
  }

  get isComplete(): boolean {
    return this.#members.isComplete;
  }

  get isLive(): boolean {
    return this.#members.isLive;
  }

  listen(listener: (change: PresenceChange<unknown>) => void): () => void {
    return this.#changes.on(listener);
  }
}
