import type { ZlibOptions } from "node:zlib";
import type { Backplane } from "../backplane.ts";
import type { Event } from "../event.ts";
import type { CloseOptions } from "./close-options.ts";

/** Where an error came up that had no `error` hook to go to. */
export interface ErrorContext {
  /** `handshake`: before the 101, or in middleware behind it. `hook`: in a hook of an opened peer. `backplane`: between processes. */
  readonly stage: "handshake" | "hook" | "backplane";
}

/**
 * Which origins may open WebSockets from a browser; clients that send no `Origin` header (all but browsers) always pass.
 *
 * - `"same"`: the page's host and port are those of the request. Loopback to loopback passes too, so that a development
 *   server on another port works.
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

/** Ends peers that are gone without having said so. A peer that reads what waits for it is there, whether it sends or not. */
export interface HeartbeatOptions {
  /** A peer from which nothing came for this long is sent a ping, in milliseconds. @default 30_000 // 30 seconds */
  intervalMs?: number;
  /**
   * How long it then has to send anything at all before it is terminated. As its answer waits behind what was sent before, it has
   * this time once more for each 512 KiB of that, up to 8 MiB: with the default, who reads 50 KB/s is never taken for gone.
   * @default 10_000 // 10 seconds
   */
  timeoutMs?: number;
}

/** A token bucket for each peer: full at first, it fills up once per `perMs`. A peer that empties it is closed with 1008. */
export interface RateLimitOptions {
  /**
   * Messages per `perMs`. As messages count pings, pongs that answer no ping of the server's, and fragments of fewer than 1,024
   * bytes, however many make up a message. @default 0 // no limit
   */
  messages?: number;
  /** Bytes of messages per `perMs`. @default 0 // no limit */
  bytes?: number;
  /** @default 1_000 // 1 second */
  perMs?: number;
}

/** What happens to a peer that does not read what is sent to it. */
export interface SendBufferOptions {
  /**
   * How many bytes may wait for it. The largest message that waits does not count: one always may, whatever its size. What was
   * sent in the same tick waits only where the operating system does not take it.
   * @default 16_777_216 // 16 MiB
   */
  maxBytes?: number;
  /**
   * With a message that would go beyond: `close` the peer with 1013, or `drop` the message (`send` returns false, `drain`
   * follows, `metrics()` counts it).
   * @default "close"
   */
  onLimit?: "close" | "drop";
}

/** What happens while other processes cannot be reached, or not fast enough. Local subscribers notice nothing of it. */
export interface BackplaneBufferOptions {
  /**
   * How many bytes may wait for the backplane, topics included. One message always may, whatever its size.
   * @default 16_777_216 // 16 MiB
   */
  maxBytes?: number;
  /**
   * With a message that would go beyond: drop it, or as many of the oldest as needed. Either is reported once, and
   * counted in `metrics()`.
   * @default "dropNewest"
   */
  onLimit?: "dropNewest" | "dropOldest";
}

/** permessage-deflate as RFC 7692 and `ws` name it. Anything left out is negotiated with the defaults below. */
export interface PerMessageDeflateOptions {
  /** Messages of fewer bytes are sent uncompressed. @default 1024 */
  threshold?: number;
  /**
   * The server compresses each message on its own. Saves about 300 KiB a peer, and lets one compressed message serve
   * many peers. @default true
   */
  serverNoContextTakeover?: boolean;
  /** Asks the client to do the same. @default true */
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
   * Which paths are looked at: a path and all below it (`"/chat"` is `/chat` and `/chat/blue`), a RegExp for the path as it is
   * sent, percent-encoded, or a list of both. Handshakes for others are left to the server's other `upgrade` listeners, or get a 404.
   * @default every path
   */
  path?: string | RegExp | readonly (string | RegExp)[];
  /**
   * Which pages may connect; others are refused with 403 before any hook runs.
   * @default "same"
   */
  origin?: OriginPolicy;
  /**
   * The largest message a client may send, in bytes, whole or in fragments, after decompression. A larger one closes
   * the peer with 1009. 0 switches the limit off.
   * @default 1_048_576 // 1 MiB
   */
  maxPayload?: number;
  /**
   * How many fragments a message of a client may have. One with more closes the peer with 1008. 0 switches the limit off.
   * @default 16_384
   */
  maxFragments?: number;
  /**
   * How long a handshake may take in middleware and the `upgrade` hook, in milliseconds; then it is answered with 408. 0
   * switches the bound off.
   * @default 10_000 // 10 seconds
   */
  handshakeTimeoutMs?: number;
  /** `false` switches it off. @default { intervalMs: 30_000, timeoutMs: 10_000 } */
  heartbeat?: false | HeartbeatOptions;
  /**
   * How many peers there may be at once, handshakes under way among them; further handshakes are refused with 503.
   * @default 0 // no limit
   */
  maxPeers?: number;
  /**
   * The same for one client address, an IPv6 /64 network being one; refused with 429. The address is that of
   * `getClientAddress`, so behind a proxy the framework's trust-proxy setting must be right.
   * @default 0 // no limit
   */
  maxPeersPerAddress?: number;
  /** How much a peer may send. @default false // no limit */
  rateLimit?: false | RateLimitOptions;
  /** How much may wait for a peer that reads slowly. `false`: without bound. @default { maxBytes: 16_777_216, onLimit: "close" } */
  sendBuffer?: false | SendBufferOptions;
  /**
   * When more bytes than this wait to be sent to a peer, `peer.send` returns false, and `drain` is called once they
   * are sent.
   * @default 65_536 // 64 KiB
   */
  highWaterMarkBytes?: number;
  /**
   * How many `message` hooks of one peer may run at once. With more than 1, messages start in order but may finish in
   * any.
   * @default 1
   */
  concurrency?: number;
  /**
   * How many messages of one peer may wait for a running hook. When there are as many, the peer's socket is not read
   * until half of them are handled: TCP slows the sender down, nothing is lost.
   * @default 64
   */
  maxQueuedMessages?: number;
  /** The same for the bytes of these messages. @default 1_048_576 // 1 MiB */
  maxQueuedBytes?: number;
  /**
   * How long a peer has to answer a close frame before its socket is destroyed, in milliseconds. The time runs from when the
   * frame has left, and not while the peer reads what was sent before it: for that it has this time once more for each 512 KiB, up to
   * 8 MiB. 0 switches the bound off.
   * @default 10_000 // 10 seconds
   */
  closeTimeoutMs?: number;
  /**
   * How peers are closed with their server: by `server.close()` and Fastify's `app.close()`, and by `spry.close(options)` where its
   * options do not say otherwise.
   * @default { code: 1001, reason: "", deadlineMs: 10_000, jitterMs: 0 }
   */
  shutdown?: CloseOptions;
  /**
   * Compresses messages for clients that offer it (RFC 7692). Costs CPU time and memory; worth it for long text.
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
  /** How much may wait for the backplane. `false`: without bound. @default { maxBytes: 16_777_216, onLimit: "dropNewest" } */
  backplaneBuffer?: false | BackplaneBufferOptions;
  /**
   * Called with errors that no hook took, in place of the framework's logger. May be async; nothing waits for it. What it throws or
   * rejects with itself is printed with `console.error`, and the error it was called with too.
   * @default the framework's logger; console.error with node:http
   */
  onError?: (error: unknown, context: ErrorContext) => unknown;
}
