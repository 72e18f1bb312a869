import type { MemberValue } from "./member-value.ts";
import type { PresenceChange, PresenceListener, PresenceMember } from "./view.ts";

/** Gives what one process says of a member; undefined where it is none there. */
export type Source = (key: string) => MemberValue | undefined;

/** What is told of one topic: the members as they were told last, and who hears of changes. */
export class Membership {
  /** What users see. */
  readonly members: Map<string, unknown> = new Map();
  readonly #values = new Map<string, MemberValue>();
  readonly #changed = new Set<string>();
  readonly #listeners = new Set<{ readonly listener: PresenceListener }>();
  readonly #report: (error: unknown) => void;

  constructor(report: (error: unknown) => void) {
    this.#report = report;
  }

  get hasListeners(): boolean {
    return this.#listeners.size > 0;
  }

  listen(listener: PresenceListener): () => void {
    const entry = { listener };
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  /** Something is different about a member in one of the processes. */
  mark(key: string): void {
    this.#changed.add(key);
  }

  /** Tells listeners what is different from what they were told. A member is told with the highest stamp, of whichever process. */
  tell(find: Source): void {
    if (this.#changed.size === 0) return;
    const joined: PresenceMember[] = [];
    const left: PresenceMember[] = [];
    const updated: PresenceMember[] = [];
    for (const key of this.#changed) {
      const before = this.#values.get(key);
      const value = find(key);
      if (!value) {
        if (!before) continue;
        this.#values.delete(key);
        this.members.delete(key);
        left.push({ key, data: before.data });
        continue;
      }
      this.#values.set(key, value);
      if (before && before.json === value.json) continue;
      this.members.set(key, value.data);
      (before ? updated : joined).push({ key, data: value.data });
    }
    this.#changed.clear();
    if (joined.length + left.length + updated.length > 0) this.#call({ joined, left, updated });
  }

  #call(change: PresenceChange): void {
    for (const { listener } of [...this.#listeners]) {
      try {
        const result = listener(change);
        if (typeof Object(result).then === "function")
          Promise.resolve(result as PromiseLike<unknown>).then(undefined, this.#report);
      } catch (error) {
        this.#report(error);
      }
    }
  }
}
