/** Somebody who is present: one person, say, however many tabs and devices that person has. */
export interface PresenceMember<Data = unknown> {
  /** Tells members of a topic apart, like the id of a user: connections with the same key are one member. */
  readonly key: string;
  /** What the member shows of itself: that of the connection that joined or was updated last. */
  readonly data: Data;
}

/** What has changed in a short while. Each member is in no more than one of the lists. */
export interface PresenceChange<Data = unknown> {
  readonly joined: readonly PresenceMember<Data>[];
  /** With the data that they had last. */
  readonly left: readonly PresenceMember<Data>[];
  readonly updated: readonly PresenceMember<Data>[];
}

/** Hears what has changed. What it throws or rejects with is reported, and has no other effect. */
export type PresenceListener<Data = unknown> = (change: PresenceChange<Data>) => unknown;

/**
 * Who is present in a topic, in all processes that share the backplane. All of them come to know the same.
 *
 * It follows the topic from its first use on, as long as anybody listens or anybody of this process is present, and for a minute after
 * it was last looked at. What other processes know comes some milliseconds after the first use: `ready()` says when.
 */
export interface PresenceView<Data = unknown> {
  /** The members by their keys, with their data. It changes with the topic, right before listeners hear of it. */
  readonly members: ReadonlyMap<string, Data>;
  /** How many members there are. */
  readonly count: number;
  /**
   * Calls a listener with each change from now on. Whom other processes tell of at first is one who has joined: wait for `ready()`
   * before, to hear only of those who come later.
   *
   * @returns ends it; more than once changes nothing
   * @throws TypeError `SPRY_WS_DATA` for a listener that is no function
   */
  listen(listener: PresenceListener<Data>): () => void;
  /**
   * Resolves when the other processes have said who is present there, or have had 2 seconds for it; at once where that is known
   * already. Never rejects.
   */
  ready(): Promise<void>;
}

/** How long a member stays whose connection has ended, and what of one is kept. */
export interface PresenceOptions {
  /**
   * For how long somebody stays a member whose connection has ended without a word, in milliseconds: who comes back meanwhile, to
   * whichever process, has neither left nor joined. 0 makes each loss of a connection a leave.
   * @default 10_000 // 10 seconds
   */
  readonly graceMs?: number;
  /** The most bytes of a member's data, as JSON. @default 1_024 */
  readonly maxDataBytes?: number;
}
