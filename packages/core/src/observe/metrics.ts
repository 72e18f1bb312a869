/** Why a handshake was not accepted. */
const refusalReasons = [
  /** It could not become a WebSocket: 400, 405, 426. */
  "invalid",
  /** No upgrade listener of this server looks at its path: 404. */
  "path",
  /** The instance or the server was closing: 503. */
  "closing",
  /** It took longer than `handshakeTimeoutMs`: 408. */
  "timeout",
  /** `maxPeers`: 503. */
  "maxPeers",
  /** `maxPeersPerAddress`: 429. */
  "maxPeersPerAddress",
  /** `origin`: 403. */
  "origin",
  /** The `upgrade` hook gave a Response. */
  "hook",
  /** The framework answered: middleware, a 404, an error. */
  "framework",
] as const;

export type RefusalReason = (typeof refusalReasons)[number];

/** Why the server ended a connection of itself. */
const terminationReasons = [
  /** Nothing came within the heartbeat's time. */
  "heartbeat",
  /** The send buffer was full: 1013. */
  "sendBuffer",
  /** `rateLimit`: 1008. */
  "rateLimit",
  /** The credentials expired: 3000. */
  "expired",
  /** A hook threw or rejected: 1011. */
  "hookError",
  /** The client violated the protocol: 1002, 1007, 1009. */
  "protocolError",
  /** The peer had not answered when the deadline of `close()` came. */
  "deadline",
] as const;

export type TerminationReason = (typeof terminationReasons)[number];

/** A snapshot of one instance. What is not a current number counts from the start. */
export interface Metrics {
  /** Open peers now. */
  peers: number;
  /** Handshakes under way now. */
  pendingHandshakes: number;
  /** Topics with a subscriber in this process now. */
  topics: number;
  /** Bytes that wait to be sent now, over all peers. */
  bufferedBytes: number;
  accepted: number;
  refused: Record<RefusalReason, number>;
  /** Clients that went away during the handshake. */
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
}

/** What is counted as it happens: plain fields, so that counting costs an addition. */
export class Counters {
  accepted = 0;
  aborted = 0;
  forwarded = 0;
  messagesReceived = 0;
  bytesReceived = 0;
  messagesSent = 0;
  bytesSent = 0;
  messagesDropped = 0;
  readonly refused: Record<RefusalReason, number> = zeros(refusalReasons);
  readonly terminated: Record<TerminationReason, number> = zeros(terminationReasons);
}

function zeros<Name extends string>(names: readonly Name[]): Record<Name, number> {
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
}
