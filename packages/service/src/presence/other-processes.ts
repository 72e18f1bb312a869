import type { Intervals } from "./intervals.ts";
import type { MemberValue } from "./member-value.ts";
import { OtherProcess } from "./other-process.ts";
import type { MembersMessage } from "./process-messages.ts";

/** Told of what other processes say. */
export interface OthersOwner {
  /** A member of another process has come, gone, or has other data. */
  changed(key: string, value: MemberValue | undefined): void;
}

/** The other processes that have members of one topic. */
export class OtherProcesses {
  readonly #byId = new Map<string, OtherProcess>();
  readonly #owner: OthersOwner;
  readonly #intervals: Intervals;

  constructor(owner: OthersOwner, intervals: Intervals) {
    this.#owner = owner;
    this.#intervals = intervals;
  }

  /** How many have not ended. */
  get size(): number {
    let size = 0;
    for (const { endsAt } of this.#byId.values()) if (endsAt === undefined) size++;
    return size;
  }

  /** Whether something is missing of any of them. */
  get areBehind(): boolean {
    for (const { isBehind } of this.#byId.values()) if (isBehind) return true;
    return false;
  }

  /** Takes what a process says of its members. @returns whether something of it is missing now */
  receive(message: MembersMessage, now: number): boolean {
    const [kind, id] = message;
    let other = this.#byId.get(id);
    if (!other) {
      other = new OtherProcess(id, now, (key, value) => this.#owner.changed(key, value));
      this.#byId.set(id, other);
    }
    if (other.endsAt !== undefined) return false;
    other.heardAt = now;
    if (kind === "b") other.hasTold(message[2]);
    else if (kind === "d") other.change(message[2], message[3], message[4]);
    else other.takePart(message[2], message[3], message[4], message[5]);
    return other.isBehind;
  }

  /** A process ends: its members stay until then. @returns its members */
  ends(id: string, until: number): ReadonlyMap<string, MemberValue> {
    const other = this.#byId.get(id);
    if (!other || other.endsAt !== undefined) return new Map();
    other.endsAt = until;
    other.isBehind = false;
    return other.members;
  }

  /** Takes the members of this process, which ends. */
  addEnded(id: string, members: Iterable<readonly [string, MemberValue]>, until: number, now: number): void {
    const ended = new OtherProcess(id, now, () => {});
    for (const [key, value] of members) ended.members.set(key, value);
    ended.endsAt = until;
    this.#byId.set(id, ended);
  }

  /** Who takes the members of a process that ends: the one that was heard of last. */
  get heir(): string | undefined {
    let heir: OtherProcess | undefined;
    for (const other of this.#byId.values())
      if (other.endsAt === undefined && other.heardAt > (heir?.heardAt ?? Number.NEGATIVE_INFINITY))
        heir = other;
    return heir?.id;
  }

  /** This process has been away: it does not know whether the others were silent. */
  wasAway(now: number): void {
    for (const other of this.#byId.values()) other.heardAt = now;
  }

  /** Removes those who have ended, or have been silent for too long. */
  expire(now: number): void {
    for (const [id, { members, heardAt, endsAt }] of this.#byId) {
      if (now < (endsAt ?? heardAt + this.#intervals.silenceMs)) continue;
      this.#byId.delete(id);
      for (const key of members.keys()) this.#owner.changed(key, undefined);
    }
  }

  /** Those of whom something is missing, and who have not been asked just now: they count as asked. */
  toAsk(now: number): readonly string[] {
    const ids: string[] = [];
    for (const other of this.#byId.values())
      if (other.isBehind && now - other.askedAt >= this.#intervals.askMs) {
        other.askedAt = now;
        ids.push(other.id);
      }
    return ids;
  }

  /** The later of a value of this process and those of all others. Ties are decided by the ids, so that all decide alike. */
  latest(key: string, ownId: string, own: MemberValue | undefined): MemberValue | undefined {
    let [latest, latestId] = [own, ownId];
    for (const { id, members } of this.#byId.values()) {
      const value = members.get(key);
      if (!value) continue;
      const isLater =
        !latest || value.stamp > latest.stamp || (value.stamp === latest.stamp && id > latestId);
      if (isLater) [latest, latestId] = [value, id];
    }
    return latest;
  }
}
