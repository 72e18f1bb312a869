import type { ZlibOptions } from "node:zlib";
import type { Backplane } from "../backplane.ts";
import type { Event } from "../event.ts";
import type { CloseOptions } from "./close-options.ts";

/** Where an error has occurred that no `error` hook took. */
export interface ErrorContext {
  /**
   * - `handshake`: before the 101, or in middleware that failed after it
   * - `hook`: in a hook of an open peer
   * - `backplane`: between processes
   * - `history`: in the store of durable topics
   * - `listener`: in a listener of `spry.subscribe(topic, listener)`
   */
  readonly stage: "handshake" | "hook" | "backplane" | "history" | "listener";
}

/**
 * Which origins may open WebSockets from a browser. Clients that send no `Origin` header, which means all but browsers, may always.
 *
 * - `"same"`: pages whose host and port are those of the request. Also pages of the loopback, on any port, if the request is for the
 *   loopback too, so that a development server on another port works.
 * - `"*"`: any. Then a page of any site can use the cookies of your users (cross-site WebSocket hijacking).
 * - an origin as browsers send it (`"https://app.example"`), a RegExp, or a list of both; the list may have `"same"` in it,
 *   and `"null"` for pages without an origin of their own.
 * - a function, called with the origin; what it throws goes to the framework's error handling.
 */
export type OriginPolicy =
  | string
  | RegExp
  | readonly (string | RegExp)[]
  | ((origin: string, event: Event) => boolean | Promise<boolean>);

/** Terminates peers that are gone without a close frame. A peer that reads what waits for it counts as alive, even if it sends nothing. */
export interface HeartbeatOptions {
  /** A peer is sent a ping when nothing has come from it for this long, in milliseconds. @default 30_000 // 30 seconds */
  intervalMs?: number;
  /**
   * How long the peer then has to send anything at all, in milliseconds; after that it is terminated. Its answer comes only after it
   * has read what was sent before the ping, so it has this time once more for each 512 KiB of that, up to 8 MiB. With the default, a
   * peer that reads 50 KB/s is never taken for dead.
   * @default 10_000 // 10 seconds
   */
  timeoutMs?: number;
}

/** A token bucket for each peer, full at first; an empty one fills up in `perMs`. A peer that empties its bucket is closed with 1008. */
export interface RateLimitOptions {
  /**
   * Messages per `perMs`. A ping counts as a message, and so does a pong that answers no ping of the server, and each fragment of fewer
   * than 1,024 bytes, however many make up one message. @default 0 // no limit
   */
  messages?: number;
  /** Bytes of messages per `perMs`. @default 0 // no limit */
  bytes?: number;
  /** The time in which an empty bucket fills up, in milliseconds. @default 1_000 // 1 second */
  perMs?: number;
}

/** What happens to a peer that does not read what is sent to it. */
export interface SendBufferOptions {
  /**
   * How many bytes may wait for one peer. The largest message that waits is not counted, so one message may wait whatever its size.
   * What was sent in the same tick counts only as far as the operating system has not taken it.
   * @default 16_777_216 // 16 MiB
   */
  maxBytes?: number;
  /**
   * What to do with a message that would exceed `maxBytes`: `close` the peer with 1013, or `drop` the message. Then `send` returns
   * false, `metrics()` counts it, and the `drain` hook is called once there is room again.
   * @default "close"
   */
  onLimit?: "close" | "drop";
}

/** What happens while the backplane cannot be reached, or is not fast enough. Local subscribers notice nothing of it. */
export interface BackplaneBufferOptions {
  /**
   * How many bytes may wait for the backplane, topics included. A single message may wait whatever its size.
   * @default 16_777_216 // 16 MiB
   */
  maxBytes?: number;
  /**
   * What to do with a message that would exceed `maxBytes`: drop it, or drop as many of the oldest as needed. That is reported once,
   * and `metrics()` counts the messages.
   * @default "dropNewest"
   */
  onLimit?: "dropNewest" | "dropOldest";
}

/** What is measured for the metrics. */
export interface HistogramOptions {
  /**
   * How many routes are told apart; all further ones are "other", and so is one whose path is not known. A route takes up to 2 KB.
   * @default 50
   */
  maxRoutes?: number;
}

/** permessage-deflate as RFC 7692 and `ws` name it. Anything left out is negotiated with the defaults below. */
export interface PerMessageDeflateOptions {
  /** Messages of fewer bytes are sent uncompressed. @default 1024 */
  threshold?: number;
  /**
   * The server compresses each message on its own. That saves about 300 KiB per peer, and a message to many peers is compressed only
   * once. @default true
   */
  serverNoContextTakeover?: boolean;
  /** Asks the client to compress each message on its own too. @default true */
  clientNoContextTakeover?: boolean;
  /** The server's window in bits, 8 to 15. @default 15 */
  serverMaxWindowBits?: number;
  /** The client's window in bits, 8 to 15. */
  clientMaxWindowBits?: number;
  /** How many calls into zlib run at once in this process; the first instance that compresses decides. @default 10 */
  concurrencyLimit?: number;
  /** @default zlib's */
  zlibDeflateOptions?: Pick<ZlibOptions, "chunkSize" | "level" | "memLevel" | "strategy">;
  /** @default zlib's */
  zlibInflateOptions?: Pick<ZlibOptions, "chunkSize">;
}

/** The options of `spryWs(options)` and `createSpryWs(options)`. */
export interface SpryWsOptions {
  /**
   * Which paths are for this instance: a path with all below it (`"/chat"` is `/chat` and `/chat/blue`), a RegExp that is tested on the
   * path as it was sent, percent-encoded, or a list of both. Handshakes for other paths are left to the server's other `upgrade`
   * listeners; if there are none, they get a 404.
   * @default every path
   */
  path?: string | RegExp | readonly (string | RegExp)[];
  /**
   * Which pages may connect. Others are refused with 403 before any hook runs.
   * @default "same"
   */
  origin?: OriginPolicy;
  /**
   * The largest message that a client may send, in bytes, after decompression, all fragments together. A larger one closes the peer
   * with 1009. 0 switches the limit off.
   * @default 1_048_576 // 1 MiB
   */
  maxPayload?: number;
  /**
   * How many fragments a message of a client may have. A message with more closes the peer with 1008. 0 switches the limit off.
   * @default 16_384
   */
  maxFragments?: number;
  /**
   * How long a handshake may take in middleware and the `upgrade` hook, in milliseconds. After that it is answered with 408. 0 switches
   * the bound off.
   * @default 10_000 // 10 seconds
   */
  handshakeTimeoutMs?: number;
  /** When peers are sent pings, and terminated. `false` switches it off. @default { intervalMs: 30_000, timeoutMs: 10_000 } */
  heartbeat?: false | HeartbeatOptions;
  /**
   * How many peers there may be at once, counting handshakes under way. Further handshakes are refused with 503.
   * @default 0 // no limit
   */
  maxPeers?: number;
  /**
   * How many peers one client address may have at once, counting handshakes under way. Further ones are refused with 429. An IPv6 /64
   * network counts as one address. The address is that of `getClientAddress`, so behind a proxy the framework's trust-proxy setting must
   * be right.
   * @default 0 // no limit
   */
  maxPeersPerAddress?: number;
  /** How much a peer may send. @default false // no limit */
  rateLimit?: false | RateLimitOptions;
  /** How much may wait for a peer that reads slowly. `false`: any amount. @default { maxBytes: 16_777_216, onLimit: "close" } */
  sendBuffer?: false | SendBufferOptions;
  /**
   * When more bytes than this wait to be sent to a peer, `peer.send` returns false, and the `drain` hook is called once they have been
   * sent.
   * @default 65_536 // 64 KiB
   */
  highWaterMarkBytes?: number;
  /**
   * For how long writing what has been published may hold the event loop, in milliseconds. A publish to more peers than can be
   * written in that time goes out in slices, between which the event loop does its other work. What one peer gets stays in its order,
   * and what waits counts as its send buffer. 0: all is written at the end of the tick.
   * @default 5
   */
  writeSliceMs?: number;
  /**
   * How many `message` hooks of one peer may run at once. With more than 1 they start in the order of the messages, but may finish in
   * any order.
   * @default 1
   */
  concurrency?: number;
  /**
   * How many messages of one peer may wait for a running hook. When so many wait, the peer's socket is not read until half of them have
   * been handled. TCP then slows the sender down, and nothing is lost.
   * @default 64
   */
  maxQueuedMessages?: number;
  /** The same in bytes: how large the messages that wait may be altogether. @default 1_048_576 // 1 MiB */
  maxQueuedBytes?: number;
  /**
   * How long a peer has to answer a close frame before its socket is destroyed, in milliseconds. The time begins when the frame has
   * left. As the peer has to read first what was sent before the frame, it has this time once more for each 512 KiB of that, up to
   * 8 MiB. 0 switches the bound off.
   * @default 10_000 // 10 seconds
   */
  closeTimeoutMs?: number;
  /**
   * Lets go of the framework's request once the `open` hook has settled: an idle peer then takes about 1 KB less, and more where
   * middleware has put much on the request. `useExpressRequest` and the like work in `upgrade` and `open` only; what later hooks need of
   * the request has to be in the peer's context. With node:http no request is kept in any case.
   * @default false
   */
  releaseRequest?: boolean;
  /**
   * How peers are closed by `server.close()` and Fastify's `app.close()`, and by `spry.close(options)` unless its options say
   * otherwise.
   * @default { code: 1001, reason: "", deadlineMs: 10_000, jitterMs: 0 }
   */
  shutdown?: CloseOptions;
  /**
   * Compresses messages for clients that offer it (RFC 7692). It costs CPU time and memory, and is worth that for long texts.
   * @default false
   */
  perMessageDeflate?: boolean | PerMessageDeflateOptions;
  /**
   * Joins this instance with those of other processes: what any of them publishes reaches the subscribers of all.
   * `redis({ client })`, `nats({ connection })`, `nodeCluster()`, or your own.
   * @default none: topics are those of this instance
   * @example
   * spryWs({ backplane: redis({ client }) })
   */
  backplane?: Backplane;
  /** How much may wait for the backplane. `false`: any amount. @default { maxBytes: 16_777_216, onLimit: "dropNewest" } */
  backplaneBuffer?: false | BackplaneBufferOptions;
  /**
   * Measures how long hooks, handshakes and deliveries take, for `metrics()` and `metricsText()`. It costs a wrapper around each hook,
   * and two looks at the clock for each call and each publish. `true`: with the defaults.
   * @default false
   */
  histograms?: boolean | HistogramOptions;
  /**
   * Called with errors that no hook took, in place of the framework's logger. It may be async; nothing waits for it. If it throws or
   * rejects, both that error and the one it was called with are printed with `console.error`.
   * @default the framework's logger; console.error with node:http
   */
  onError?: (error: unknown, context: ErrorContext) => unknown;
}
