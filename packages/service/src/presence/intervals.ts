/** The times of presence, in milliseconds. */
export interface Intervals {
  /** How often a process says in a topic that it is there. */
  readonly beatMs: number;
  /** After so long without a word from a process its members have left. */
  readonly silenceMs: number;
  /** How often a process is asked at most for what is missing of it. */
  readonly askMs: number;
  /** How long a member that has come back elsewhere stays one here, too: until all have heard of its coming back. */
  readonly handOverMs: number;
  /** How long the others have to say that they are there, and how long to say who is there at most. */
  readonly settleMs: number;
  readonly maxSettleMs: number;
  /** How often it is looked whose time is over. */
  readonly tickMs: number;
  /** After one change others wait this long, and go out together: so a thousand joins are not a thousand messages. */
  readonly gatherMs: number;
  /** How long a topic is followed that nobody uses. Longer than the silence: so nobody waits for a process that has left. */
  readonly unusedMs: number;
}

/**
 * A process is heard of every 4.5 seconds, and has gone after 15 seconds without a word: two of its messages may be lost. The times are
 * shorter by a tick each, since they are looked at once in a tick.
 */
export const defaultIntervals: Intervals = {
  beatMs: 4_000,
  silenceMs: 14_500,
  askMs: 1_000,
  handOverMs: 2_000,
  settleMs: 250,
  maxSettleMs: 2_000,
  tickMs: 500,
  gatherMs: 50,
  unusedMs: 60_000,
};
