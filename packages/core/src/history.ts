/**
 * The contract between durable topics and what stores them: memory, Redis, NATS JetStream, or a store of your own. A store keeps
 * one log of opaque bytes for each topic, and tells every process of what is appended. `historyCases` of
 * `@spry-ws/testing/history` checks an implementation.
 */
export interface History {
  /** For errors and diagnostics: `redis`, `jetstream`. */
  readonly name: string;
  /**
   * Opens a link to the store, for one service. It is called once for each service that has this history; every link has
   * subscriptions of its own.
   *
   * - MUST NOT throw and MUST NOT wait: errors are told to `events`.
   * - MUST call `events.up()` once reads, appends and subscriptions reach the store, and again after each `events.down()`.
   */
  open(events: HistoryEvents): HistoryLink;
}

/** A place in the log of a topic: that of one message. */
export interface HistoryPosition {
  /**
   * Names the log. It MUST change when the log is a new one: the store was emptied, or what it knew of the topic was lost. At most 64
   * characters of `A–Z a–z 0–9 _ -`, as the others that make up a position.
   */
  readonly epoch: string;
  /** Grows from message to message of a topic, from 1, not necessarily by 1. 0 in an empty log, before the first message. */
  readonly seq: number;
  /**
   * Drawn at random for each message, 48 bits or more; empty with `seq` 0. When a store was restored from an old copy, or a replica
   * that missed messages became the master, the same epoch and number may go to other messages: by the tag that is seen.
   */
  readonly tag: string;
}

/** One message in the log of a topic. */
export interface HistoryEntry {
  readonly position: HistoryPosition;
  /** As it was appended, byte for byte. */
  readonly data: Uint8Array;
}

/** A part of a log, oldest message first. */
export interface HistoryPage {
  readonly entries: readonly HistoryEntry[];
  /**
   * False when messages may be missing in front of `entries`: the position that was asked for is not of this log (another epoch, or
   * another tag), or what came directly behind it is not kept any more. `entries` then begin with the oldest that is kept. Without a
   * position to begin from, always true.
   *
   * MUST be true where nothing was appended behind the position, however old it is: retention by age MUST NOT make a gap of a quiet
   * topic. MUST NOT be true where anything may be missing.
   */
  readonly isContinuous: boolean;
  /** The newest message that was ever appended, kept or not, at the time of the read; `seq` 0 when there was none. */
  readonly head: HistoryPosition;
  /** Whether the log has more behind `entries`. */
  readonly hasMore: boolean;
}

/** What to read of a log. */
export interface HistoryRead {
  /** Where to begin: behind a position, with the last so many messages, or with the oldest that is kept. */
  readonly from: HistoryPosition | { readonly last: number } | "start";
  /** The most messages of the page, from 1. A page MAY have fewer, but MUST have one if there is one. */
  readonly maxMessages: number;
  /** About how many bytes of data a page SHOULD have at most; one message may be larger. */
  readonly maxBytes: number;
}

/** How much of a topic is kept. */
export interface HistoryRetention {
  /** How many messages at least, if they are not older than `maxAgeMs`. A store MAY keep more. */
  readonly maxMessages: number;
  /** For how long, in milliseconds. A store MAY keep them longer, but SHOULD NOT for more than twice as long. */
  readonly maxAgeMs: number;
}

/** One message to append. */
export interface HistoryAppend {
  readonly data: Uint8Array;
  /**
   * Names the message, at most 256 characters: whatever is appended to this topic under the same id within `idWindowMs` is the same
   * message. It is stored once, and all calls get its position.
   */
  readonly id: string;
  /** For how long ids MUST be remembered, in milliseconds. */
  readonly idWindowMs: number;
  readonly retention: HistoryRetention;
}

/** One service's use of a history. */
export interface HistoryLink {
  /**
   * Appends a message. Resolves when the store has it, as safely as the store keeps what it has acknowledged.
   *
   * - MUST store the messages of one link in the order of the calls, as long as none of them fails.
   * - MUST settle: reject at the latest when the connection is lost, or after 10 seconds.
   * - Rejects with an error of `notAppended` (`@spry-ws/core/adapter`) where the message is certainly not stored: the link is down, the
   *   store is full, or it refuses. With any other error it may be.
   */
  append(topic: string, message: HistoryAppend): Promise<HistoryPosition>;
  /** Reads a part of a log. A topic that nothing was appended to is an empty log, and MUST have an epoch too. MUST settle, as `append`. */
  read(topic: string, what: HistoryRead): Promise<HistoryPage>;
  /** The head of each of these logs, in their order: what `read` calls so. For many topics at once. MUST settle, as `append`. */
  heads(topics: readonly string[]): Promise<readonly HistoryPosition[]>;
  /**
   * From when the promise resolves, every message that anybody appends to these topics SHOULD come to `events.appended`, until
   * `unsubscribe`. It is told only while the link is up, and MUST survive a reconnect: the subscriptions are back before
   * `events.up()` is called. What is missed meanwhile is found by `heads` and `read`.
   */
  subscribe(topics: readonly string[]): Promise<void>;
  unsubscribe(topics: readonly string[]): Promise<void>;
  /** Closes what this link has opened, and no client that the user has made. MUST NOT reject, and no event follows. */
  close(): Promise<void>;
}

/** What a link tells the service it was opened for. None of these throws. */
export interface HistoryEvents {
  /**
   * A message was appended to a topic that is subscribed to, here or elsewhere. SHOULD come in the order of the log, once; whoever
   * listens drops what it has, and reads what is missing.
   *
   * @param previousSeq the number of the message before it in this topic, 0 for the first; undefined where the store does not know it
   */
  appended(topic: string, entry: HistoryEntry, previousSeq: number | undefined): void;
  /** The store can be reached, and all subscriptions are in place. Twice changes nothing. */
  up(): void;
  /** The store cannot be reached, yet or any more. @param isPermanent not without a change by the user: wrong credentials, a closed client */
  down(reason: unknown, isPermanent?: boolean): void;
  /** Something went wrong that neither ends the connection nor belongs to a call. */
  error(error: unknown): void;
}
