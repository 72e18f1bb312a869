import type { HistogramMetric } from "./histograms.ts";

/** Why a handshake was not accepted. */
export type RefusalReason =
  /** The request could not become a WebSocket: 400, 405, 426. */
  | "invalid"
  /** The path is for no instance, and the server has no other `upgrade` listener: 404. */
  | "path"
  /** The instance or the server was closing: 503. */
  | "closing"
  /** The handshake took longer than `handshakeTimeoutMs`: 408. */
  | "timeout"
  /** `maxPeers`: 503. */
  | "maxPeers"
  /** `maxPeersPerAddress`: 429. */
  | "maxPeersPerAddress"
  /** `origin`: 403. */
  | "origin"
  /** The `upgrade` hook returned or threw a Response. */
  | "hook"
  /** The framework answered: middleware, a 404, an error. */
  | "framework";

/** Why the server itself ended a connection. Each connection is counted once, for the first reason. */
export type TerminationReason =
  /** Nothing came within the heartbeat's time. */
  | "heartbeat"
  /** The send buffer was full: 1013. */
  | "sendBuffer"
  /** `rateLimit`: 1008. */
  | "rateLimit"
  /** The credentials expired: 3000. */
  | "expired"
  /** A hook threw or rejected: 1011, or what the `error` hook closed with. */
  | "hookError"
  /** The client violated the protocol, `maxPayload` or `maxFragments`: 1002, 1007, 1008, 1009. */
  | "protocolError"
  /** Writing to its socket failed: 1006. */
  | "writeError"
  /** The peer had not answered when the deadline of `close()` came. */
  | "deadline";

/** A snapshot of one instance. A number is the total since the start, unless it says "now". */
export interface Metrics {
  /** Open peers now. */
  peers: number;
  /** Handshakes under way now. */
  pendingHandshakes: number;
  /** Topics with a subscriber in this process now. */
  topics: number;
  /** Listeners of this process now (`spry.subscribe`). */
  listeners: number;
  /** Bytes that wait to be sent now, to all peers together. */
  bufferedBytes: number;
  accepted: number;
  refused: Record<RefusalReason, number>;
  /** Clients that went away during the handshake, counted at that moment. */
  aborted: number;
  /** Handshakes that were left to other `upgrade` listeners of the server. */
  forwarded: number;
  messagesReceived: number;
  /** Payload bytes, after decompression. */
  bytesReceived: number;
  messagesSent: number;
  /** Payload bytes, before compression. */
  bytesSent: number;
  /** Messages that were not sent because the send buffer was full and `onLimit` is `drop`. */
  messagesDropped: number;
  terminated: Record<TerminationReason, number>;
  /** Whether the backplane can be reached now; false without one. */
  backplaneConnected: boolean;
  /** Bytes that wait for the backplane now, or that it has not confirmed; topics included. */
  backplaneBufferedBytes: number;
  /** Messages published to other processes, whether or not any of them has a subscriber. */
  backplanePublished: number;
  /** Messages that came from other processes. */
  backplaneReceived: number;
  /** Messages that did not go to other processes: `backplaneBuffer` was full, or the broker refused them. */
  backplaneDropped: number;
  /**
   * Durable topics and presence of the services on this instance, and of `presence({ spry, topic })`, by name. Empty without one.
   * What the names mean: docs/guide/observability.md, "Services".
   */
  service: Readonly<Record<string, number>>;
  /** Times of hooks, handshakes and deliveries, as far as there were any. Empty where the option `histograms` is off. */
  histograms: readonly HistogramMetric[];
}

/** Counts what happens. The fields are plain numbers, so that counting costs one addition. */
export class Counters {
  accepted = 0;
  aborted = 0;
  forwarded = 0;
  messagesReceived = 0;
  bytesReceived = 0;
  messagesSent = 0;
  bytesSent = 0;
  messagesDropped = 0;
  backplanePublished = 0;
  backplaneReceived = 0;
  backplaneDropped = 0;
  readonly refused: Record<RefusalReason, number> = {
    invalid: 0,
    path: 0,
    closing: 0,
    timeout: 0,
    maxPeers: 0,
    maxPeersPerAddress: 0,
    origin: 0,
    hook: 0,
    framework: 0,
  };
  readonly terminated: Record<TerminationReason, number> = {
    heartbeat: 0,
    sendBuffer: 0,
    rateLimit: 0,
    expired: 0,
    hookError: 0,
    protocolError: 0,
    writeError: 0,
    deadline: 0,
  };
}
