import type { NatsConnectionLike } from "../types.ts";

/** The options of `jetStreamHistory()`, checked and complete. */
export interface Settings {
  readonly connection: NatsConnectionLike;
  /** The name of the stream. */
  readonly stream: string;
  /** The subject of a topic's messages in the stream is this and one more part. */
  readonly logPrefix: string;
  /** What the stream has stored is published again under this and one more part. */
  readonly livePrefix: string;
  /** What the subjects of the JetStream API begin with. */
  readonly api: string;
  readonly create: boolean;
  readonly maxMessages: number;
  readonly maxBytes: number;
  readonly idWindowMs: number;
  readonly replicas: number;
}
