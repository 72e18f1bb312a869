const constructors = { TypeError, RangeError, Error };

/** Every code, the name of its class, and when it comes. The pages with the errors have the same, as a test sees. */
const classes = {
  /** An option is unknown, out of range, or would do nothing. */
  SPRY_WS_OPTION: "TypeError",
  /** Hooks are not an object of functions with known names. */
  SPRY_WS_HOOKS: "TypeError",
  /** `send`, `publish` or a `Message` factory got data a frame cannot carry. */
  SPRY_WS_DATA: "TypeError",
  /** A topic is not a string. */
  SPRY_WS_TOPIC: "TypeError",
  /** A close code an endpoint must not send (RFC 6455 section 7.4). */
  SPRY_WS_CLOSE: "RangeError",
  /** The data of a ping is longer than 125 bytes (RFC 6455 section 5.5). */
  SPRY_WS_PING: "RangeError",
  /** The `upgrade` hook returned something that has no meaning. */
  SPRY_WS_UPGRADE_RESULT: "TypeError",
  /** The `upgrade` hook chose a subprotocol the client did not offer, or none of those it offered. */
  SPRY_WS_SUBPROTOCOL: "Error",
  /** `attach` got something that is not an HTTP server. */
  SPRY_WS_SERVER: "TypeError",
  /** A handshake reached `ws(hooks)` but `spryWs()` has not seen it first. */
  SPRY_WS_NOT_REGISTERED: "Error",
  /** Something answered a handshake with 101 or a success, or held it up, and it was no `ws(hooks)` handler. */
  SPRY_WS_UNROUTED: "Error",
  /** A composable got something that is not an event or peer of this framework, or one whose request has been let go of. */
  SPRY_WS_EVENT: "TypeError",
  /** A page of another origin was refused; logged once for each origin. */
  SPRY_WS_ORIGIN: "Error",
  /** `expiresAt` is neither a valid Date nor milliseconds. */
  SPRY_WS_EXPIRY: "RangeError",
  /** The backplane is not connected, refused something, or is set up wrongly; `cause` has its error. */
  SPRY_WS_BACKPLANE: "Error",
  /** It was away and is back: what other processes published in the last `durationMs` may be missing. */
  SPRY_WS_BACKPLANE_GAP: "Error",
  /** More than `backplaneBuffer.maxBytes` wait for it, and messages are dropped. */
  SPRY_WS_BACKPLANE_FULL: "Error",
  /** A message was not published to a durable topic: certainly not; `cause` has the reason. */
  SPRY_WS_NOT_PUBLISHED: "Error",
  /** A message may have been published to a durable topic, or not: the store did not answer. Publish it again under the same id. */
  SPRY_WS_MAYBE_PUBLISHED: "Error",
  /** The store of the durable topics cannot be reached, or refused something; `cause` has its error. */
  SPRY_WS_HISTORY: "Error",
} as const;

/**
 * Every error this library throws or reports carries one of these codes in its `code` property; docs/reference/errors.md says of each
 * what to do.
 */
export type SpryWsErrorCode = keyof typeof classes;

/** An error of this library: one of the built-in classes with a stable `code`. */
export interface SpryWsError extends Error {
  readonly code: SpryWsErrorCode;
}

/** @internal */
export function createError(code: SpryWsErrorCode, message: string, cause?: unknown): SpryWsError {
  const error = new constructors[classes[code]](message, cause === undefined ? undefined : { cause });
  return Object.assign(error, { code });
}

/**
 * Whether a value is an error of this library.
 *
 * @example
 * error(peer, error) {
 *   if (isSpryWsError(error) && error.code === "SPRY_WS_DATA") return;
 * }
 */
export function isSpryWsError(value: unknown): value is SpryWsError {
  return (
    value instanceof Error &&
    "code" in value &&
    typeof value.code === "string" &&
    Object.hasOwn(classes, value.code)
  );
}

/** Names a value for the text of an error: `a Date`, `an array`, `an IncomingMessage`, `undefined`. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object") {
    const name: string | undefined = value.constructor?.name;
    return name && name !== "Object" ? `${/^[AEIO]/i.test(name) ? "an" : "a"} ${name}` : "an object";
  }
  return `a ${typeof value}`;
}
