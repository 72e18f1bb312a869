import { combine, type ExtraMetric } from "./observe/extra-metrics.ts";
import type { Peer } from "./peer.ts";

/** Hooks that speak a subprotocol of their own with clients, as a service does: its instance tells refusals and its end in it. */
export interface Speaker {
  /** What its clients offer. */
  readonly subprotocol: string;
  /**
   * The instance or its server ends, and the peer is to be closed: resolves when what the speaker has begun for it is done. Half of the
   * deadline is the bound. It begins nothing more. Undefined if there is nothing to wait for. Never rejects.
   */
  readonly settled?: ((peer: Peer) => Promise<void> | undefined) | undefined;
  /** The instance or its server ends, and the peer's close frame follows what is sent to it now. Called for every open peer. */
  leaving(peer: Peer): void;
  /** Resolves when what it holds open can be used. Rejects after `timeoutMs`, or as soon as it is clear that it cannot. */
  readonly ready?: ((timeoutMs: number) => Promise<void>) | undefined;
  /**
   * A refusal with a `Retry-After` is shown to a client.
   *
   * @returns what it is sent in front of the close frame; undefined for nothing
   */
  refusing?(code: number, reason: string, retryAfterMs: number): string | undefined;
  /**
   * The peers have gone, and their hooks have settled: the speaker gives up what it holds open, until it is needed again, or for good
   * where the instance itself is closed. Never rejects.
   */
  readonly rest?: ((deadlineMs: number, isForGood: boolean) => Promise<void>) | undefined;
  /** Numbers of now, and counters, for the metrics of the instance. Never throws. */
  readonly metrics?: (() => readonly ExtraMetric[]) | undefined;
}

/** Takes an error of what belongs to no peer: of a store, or of a listener. Never throws. */
export type SpeakerReport = (error: unknown, stage?: "history" | "listener") => void;

/** The speakers of an instance or publisher. */
export class Speakers extends Set<Speaker> {
  readonly report: SpeakerReport;

  constructor(report: SpeakerReport) {
    super();
    this.report = report;
  }

  /** Whether any of them holds something open. */
  get canRest(): boolean {
    return [...this].some(({ rest }) => rest);
  }

  /** Of all of them together. */
  metrics(): readonly ExtraMetric[] {
    return combine([...this].flatMap((speaker) => speaker.metrics?.() ?? []));
  }

  /** Rejects with the error of the first that does. */
  async ready(timeoutMs: number): Promise<void> {
    await Promise.all([...this].map((speaker) => speaker.ready?.(timeoutMs)));
  }

  /** Never rejects. */
  async rest(deadlineMs: number, isForGood: boolean): Promise<void> {
    await Promise.all([...this].map((speaker) => speaker.rest?.(deadlineMs, isForGood)));
  }
}

/** What has speakers: an instance, the middleware that it is too, and a publisher. */
export interface Speaking {
  readonly speakers: Speakers;
}

/**
 * From here on the instance shows its refusals to clients that offer the speaker's subprotocol, and tells the speaker when a peer is
 * about to be closed because it ends, and when all have gone.
 *
 * @param spry an instance; with anything else, as a wrapper of one, nothing happens
 * @returns takes errors, to report them as the instance does; undefined where there is none
 */
export function addSpeaker(spry: object, speaker: Speaker): SpeakerReport | undefined {
  const { speakers } = spry as Partial<Speaking>;
  if (!(speakers instanceof Speakers)) return undefined;
  speakers.add(speaker);
  return speakers.report;
}
