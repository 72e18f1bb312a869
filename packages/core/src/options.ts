import type { ZlibOptions } from "node:zlib";
import { createError, describe } from "./errors.ts";

/** Where an error came up that had no `error` hook to go to. */
export interface ErrorContext {
  /** `handshake`: before the 101. `hook`: in a hook of an opened peer. */
  readonly stage: "handshake" | "hook";
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
  /** How many calls into zlib run at once in this process. @default 10 */
  concurrencyLimit?: number;
  /** @default zlib's */
  zlibDeflateOptions?: ZlibOptions;
  /** @default zlib's */
  zlibInflateOptions?: ZlibOptions;
}

/** The options of `spryWs(options)` and `createSpryWs(options)`. */
export interface SpryWsOptions {
  /**
   * The largest message a client may send, in bytes, whole or in fragments, after decompression. A larger one closes
   * the peer with 1009. 0 switches the limit off.
   * @default 1_048_576 // 1 MiB
   */
  maxPayload?: number;
  /**
   * Compresses messages for clients that offer it (RFC 7692). Costs CPU time and memory; worth it for long text.
   * @default false
   */
  perMessageDeflate?: boolean | PerMessageDeflateOptions;
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
  /**
   * When more bytes than this wait to be sent to a peer, `peer.send` returns false, and `drain` is called once they
   * are sent.
   * @default 65_536 // 64 KiB
   */
  highWaterMarkBytes?: number;
  /**
   * How long a peer has to answer a close frame before its socket is destroyed, in milliseconds. 0 switches the bound
   * off.
   * @default 10_000 // 10 seconds
   */
  closeTimeoutMs?: number;
  /**
   * Called with errors that no hook took, in place of the framework's logger.
   * @default the framework's logger; console.error with node:http
   */
  onError?: (error: unknown, context: ErrorContext) => void;
}

/** @internal */
export type ResolvedOptions = Readonly<
  Required<Omit<SpryWsOptions, "onError" | "perMessageDeflate">> &
    Pick<SpryWsOptions, "onError"> & { perMessageDeflate: false | PerMessageDeflateOptions }
>;

const defaults = {
  maxPayload: 1_048_576,
  concurrency: 1,
  maxQueuedMessages: 64,
  highWaterMarkBytes: 65_536,
  closeTimeoutMs: 10_000,
} as const;

/** The smallest value each number may have. */
const minimums: Record<keyof typeof defaults, number> = {
  maxPayload: 0,
  concurrency: 1,
  maxQueuedMessages: 1,
  highWaterMarkBytes: 1,
  closeTimeoutMs: 0,
};

const deflateDefaults: PerMessageDeflateOptions = {
  threshold: 1024,
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
};

/**
 * @internal
 * @throws TypeError `SPRY_WS_OPTION` for an unknown option or a value out of range
 */
export function resolveOptions(options: SpryWsOptions = {}, caller = "spryWs(options)"): ResolvedOptions {
  if (typeof options !== "object" || options === null) {
    throw createError("SPRY_WS_OPTION", `${caller} takes an object of options, not ${describe(options)}`);
  }
  const { onError, perMessageDeflate = false, ...numbers } = options;
  const known = [...Object.keys(defaults), "onError", "perMessageDeflate"];
  for (const [name, value] of Object.entries(numbers)) {
    if (!(name in defaults)) {
      throw createError(
        "SPRY_WS_OPTION",
        `${caller}: there is no option "${name}"; the options are ${known.join(", ")}`,
      );
    }
    if (value === undefined) continue;
    const minimum = minimums[name as keyof typeof defaults];
    if (!Number.isSafeInteger(value) || value < minimum) {
      throw createError(
        "SPRY_WS_OPTION",
        `${caller}: "${name}" must be a whole number of at least ${minimum}, not ${JSON.stringify(value) ?? describe(value)}`,
      );
    }
  }
  if (onError !== undefined && typeof onError !== "function") {
    throw createError("SPRY_WS_OPTION", `${caller}: "onError" must be a function, not ${describe(onError)}`);
  }
  if (
    typeof perMessageDeflate !== "boolean" &&
    (typeof perMessageDeflate !== "object" || perMessageDeflate === null)
  ) {
    throw createError(
      "SPRY_WS_OPTION",
      `${caller}: "perMessageDeflate" must be true, false or an object, not ${describe(perMessageDeflate)}`,
    );
  }
  const given = Object.fromEntries(Object.entries(numbers).filter(([, value]) => value !== undefined));
  return Object.freeze({
    ...defaults,
    ...given,
    ...(onError && { onError }),
    perMessageDeflate: perMessageDeflate && {
      ...deflateDefaults,
      ...(perMessageDeflate === true ? {} : perMessageDeflate),
    },
  });
}
