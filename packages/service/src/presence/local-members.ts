import type { MemberValue } from "./member-value.ts";

/** What is kept of those connections of a member that have ended without a word. */
interface Lingering {
  readonly value: MemberValue;
  readonly until: number;
}

interface LocalMember {
  readonly connections: Map<object, MemberValue>;
  lingering: Lingering | undefined;
  /** The one with the highest stamp. */
  value: MemberValue;
}

/**
 * The members of one topic in this process. Only this process writes them: others are told.
 *
 * A member has one or more connections, and stays for a while when the last of them has ended without a word.
 */
export class LocalMembers {
  readonly #members = new Map<string, LocalMember>();
  readonly #keys = new Map<object, string>();
  readonly #changed: (key: string) => void;
  /** How many of them linger: mostly none. */
  #lingering = 0;

  /** @param changed called with the key of each member that has come, gone, or has other data */
  constructor(changed: (key: string) => void) {
    this.#changed = changed;
  }

  get size(): number {
    return this.#members.size;
  }

  /** Whether any of them has a connection. */
  get areConnected(): boolean {
    return this.#keys.size > 0;
  }

  get(key: string): MemberValue | undefined {
    return this.#members.get(key)?.value;
  }

  keyOf(connection: object): string | undefined {
    return this.#keys.get(connection);
  }

  *values(): Iterable<readonly [key: string, value: MemberValue]> {
    for (const [key, { value }] of this.#members) yield [key, value];
  }

  /** A connection has joined, or has other data. One that joins is no longer of the member it was before. */
  set(connection: object, key: string, value: MemberValue): void {
    const before = this.#keys.get(connection);
    if (before !== undefined && before !== key) this.leave(connection);
    this.#keys.set(connection, key);
    let member = this.#members.get(key);
    if (!member) {
      member = { connections: new Map(), lingering: undefined, value };
      this.#members.set(key, member);
    }
    member.connections.set(connection, value);
    // Whoever comes back takes the place of the one that had gone.
    if (member.lingering) this.#setLingering(member, undefined);
    this.#settle(key, member);
  }

  /** @param lingerUntil until when the member stays if this was its last connection; undefined if it leaves at once */
  leave(connection: object, lingerUntil?: number): void {
    const key = this.#keys.get(connection);
    const member = key === undefined ? undefined : this.#members.get(key);
    if (key === undefined || !member) return;
    this.#keys.delete(connection);
    const value = member.connections.get(connection) as MemberValue;
    member.connections.delete(connection);
    if (lingerUntil !== undefined) this.#linger(member, value, lingerUntil);
    this.#settle(key, member);
  }

  /** Takes a member of a process that ends. */
  adopt(key: string, value: MemberValue, until: number): void {
    const member = this.#members.get(key) ?? { connections: new Map(), lingering: undefined, value };
    this.#members.set(key, member);
    this.#linger(member, value, until);
    this.#settle(key, member);
  }

  /** The member has joined another process, later than any connection here: there is no need to linger any longer than until then. */
  cameBack(key: string, stamp: number, until: number): void {
    const member = this.#members.get(key);
    const lingering = member?.lingering;
    if (!member || !lingering || lingering.value.stamp >= stamp || lingering.until <= until) return;
    member.lingering = { ...lingering, until };
  }

  /** Removes those who have lingered long enough. */
  expire(now: number): void {
    if (this.#lingering === 0) return;
    for (const [key, member] of this.#members) {
      if (!member.lingering || member.lingering.until > now) continue;
      this.#setLingering(member, undefined);
      this.#settle(key, member);
    }
  }

  #linger(member: LocalMember, value: MemberValue, until: number): void {
    const { lingering } = member;
    this.#setLingering(member, {
      value: lingering && lingering.value.stamp > value.stamp ? lingering.value : value,
      until: Math.max(until, lingering?.until ?? until),
    });
  }

  #setLingering(member: LocalMember, lingering: Lingering | undefined): void {
    this.#lingering += Number(lingering !== undefined) - Number(member.lingering !== undefined);
    member.lingering = lingering;
  }

  /** The connections of a member have changed. */
  #settle(key: string, member: LocalMember): void {
    let last = member.lingering?.value;
    for (const value of member.connections.values()) if (!last || value.stamp > last.stamp) last = value;
    if (last) member.value = last;
    else this.#members.delete(key);
    this.#changed(key);
  }
}
