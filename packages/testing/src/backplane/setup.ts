import type { Backplane } from "@spry-ws/core";

/** What the cases are told about the backplane they check. */
export interface BackplaneSetup {
  /**
   * Makes a backplane, as another process would: two backplanes of a case share nothing but the broker, and each has a client of
   * its own.
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

/** A backplane, and how to check and close the client it was made with. */
export interface BackplaneUnderTest {
  readonly backplane: Backplane;
  /**
   * Throws or rejects if the client that was given to the backplane is not as usable as before. Called after the links have been
   * closed.
   */
  assertClientUsable?(): Promise<void> | void;
  /** Closes the client. */
  dispose(): Promise<void> | void;
}

/** One case: `it(name, run)` in any runner. */
export interface BackplaneCase {
  readonly name: string;
  run(): Promise<void>;
}
