import type { Contract, PresenceData, PresencePattern } from "@spry-ws/contract";

/** Somebody who is there: one person, say, however many tabs and devices that person has. */
export interface PresenceMember<Data> {
  readonly key: string;
  readonly data: Data;
}

/** What has changed. Each member is in no more than one of the lists. */
export interface PresenceChange<Data> {
  readonly joined: readonly PresenceMember<Data>[];
  /** With the data that they had last. */
  readonly left: readonly PresenceMember<Data>[];
  readonly updated: readonly PresenceMember<Data>[];
}

/** Who is there, as far as the client knows. */
export interface PresenceState<Data> {
  /**
   * The members by their keys, with their data. A new map with each change. Empty before the service has answered, and where there are
   * so many that it sends only their number.
   */
  readonly members: ReadonlyMap<string, Data>;
  /** How many members there are. */
  readonly count: number;
  /** Whether `members` are all there are: false where the service sends only their number. */
  readonly isComplete: boolean;
  /** Whether this is up to date. Without a connection it is what was known last. */
  readonly isLive: boolean;
}

/** Who is there in a topic: this client among them, if it is a member. */
export interface Presence<Data> extends PresenceState<Data> {
  /**
   * Calls back with each change: the first time with all who are there. After a lost connection with nothing but the difference. Where
   * only `count`, `isComplete` or `isLive` is another, all lists are empty.
   *
   * @returns stops that
   */
  listen(listener: (change: PresenceChange<Data>) => void): () => void;
}

/** What a use of a topic has besides, where the contract says that the topic has members. */
export type PresenceOf<C extends Contract, Pattern> =
  Pattern extends PresencePattern<C>
    ? {
        /** Who is there. The service is asked when this is first read, and sends it until the use is closed. */
        readonly presence: Presence<PresenceData<C, Pattern>>;
      }
    : unknown;

/** What is known before the service has answered. */
export const nobody: PresenceState<unknown> = {
  members: new Map(),
  count: 0,
  isComplete: false,
  isLive: false,
};

/** What is known now, as it stays. */
export function stateOf({ members, count, isComplete, isLive }: Presence<unknown>): PresenceState<unknown> {
  return { members, count, isComplete, isLive };
}
