import type { History, HistoryRetention } from "@spry-ws/core";

/** What the cases are told about the store they check. */
export interface HistorySetup {
  /**
   * Makes a history, as another process would: two histories of a case share nothing but the store, and each has a client of its own.
   * A store that lives in one process gives the same history each time.
   *
   * @param retention what the case appends with: for a store that has to be set up with it
   */
  create(retention: HistoryRetention): Promise<HistoryUnderTest> | HistoryUnderTest;
  /**
   * How many messages the store keeps at most where a topic's `retention.maxMessages` is 10: so many more are appended to see what is
   * said about those that are gone.
   *
   * @default 1_000
   */
  mostKept?: number;
  /**
   * How many milliseconds the store keeps a message at most where `retention.maxAgeMs` is 1,000. Infinity leaves out the case that
   * it is gone then.
   *
   * @default 2_500
   */
  agedOutMs?: number;
  /**
   * Ends the connections to the store that there are, without a word if that can be done. They have to come back by themselves. Settles
   * when they have ended; without it, the cases about that are left out.
   */
  interrupt?(): Promise<void> | void;
  /**
   * Ends the store, and starts it again, with what it keeps then: everything, a part of it, or nothing. Settles when it can be reached;
   * without it, the cases about that are left out.
   */
  restart?(): Promise<void> | void;
  /** How long a case waits for anything, in milliseconds. @default 15_000 // longer than a call may take */
  timeoutMs?: number;
}

/** A history, and how to check and close the client it was made with. */
export interface HistoryUnderTest {
  readonly history: History;
  /** Throws or rejects if the client that was given to the history is not as usable as before. Called after the links have been closed. */
  assertClientUsable?(): Promise<void> | void;
  /** Closes the client. */
  dispose(): Promise<void> | void;
}

/** One case: `it(name, run)` in any runner. A case may take as long as `timeoutMs`, and a few seconds where it waits for age. */
export interface HistoryCase {
  readonly name: string;
  run(): Promise<void>;
}
