import type { Backplane } from "@spry-ws/core";

/** What the cases are told about the backplane they check. */
export interface BackplaneSetup {
  /**
   * Makes a backplane. Every call is for another process: two backplanes of a case share nothing but the broker, and each has
   * a client of its own.
   */
  create(): Promise<BackplaneUnderTest> | BackplaneUnderTest;
  /**
   * A topic that the broker lets the clients neither publish nor subscribe to, and no other one.
   *
   * @default none, and the case about it is left out
   */
  refusedTopic?: string;
  /** How long a case waits for anything, in milliseconds. @default 5_000 // 5 seconds */
  timeoutMs?: number;
}

/** A backplane with what it was made of. */
export interface BackplaneUnderTest {
  readonly backplane: Backplane;
  /**
   * Rejects, or throws, unless the client that was given to the backplane is as usable as before. Called after links are
   * closed.
   */
  assertClientUsable?(): Promise<void> | void;
  /** Ends the client. */
  dispose(): Promise<void> | void;
}

/** One case: `it(name, run)` in any runner. */
export interface BackplaneCase {
  readonly name: string;
  run(): Promise<void>;
}
