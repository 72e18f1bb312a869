import type { Closure } from "./closure.ts";
import type { RefusedHandshake } from "./refused-handshake.ts";

const constructors = { TypeError, Error };

/** Every code, the name of its class, and when it comes. The README has the same, as a test sees. */
const classes = {
  /** The app, the path or an option is not what `connect` and `refused` take, or data not what `send` takes. */
  SPRY_WS_TEST_ARGUMENT: "TypeError",
  /** `connect`: the handshake was answered with something else than 101; in `refusal`, and what `upgrade` threw in `cause`. */
  SPRY_WS_TEST_REFUSED: "Error",
  /** `refused`: the handshake was accepted. */
  SPRY_WS_TEST_ACCEPTED: "Error",
  /** No valid answer to the handshake came; why is in `cause`. */
  SPRY_WS_TEST_HANDSHAKE: "Error",
  /** What was waited for did not come within `timeoutMs`. */
  SPRY_WS_TEST_TIMEOUT: "Error",
  /** The connection is closed, and no message is left; how is in `closure`, and what a hook threw in `cause`. */
  SPRY_WS_TEST_CLOSED: "Error",
  /** `text` or `json` got a message of another kind. */
  SPRY_WS_TEST_MESSAGE: "Error",
} as const;

/** Every error of this package carries one of these codes in its `code` property; the README says when. */
export type TestErrorCode = keyof typeof classes;

/** An error of this package: an Error or TypeError with a stable `code`. */
export interface TestError extends Error {
  readonly code: TestErrorCode;
  /** The answer to a refused handshake, with `SPRY_WS_TEST_REFUSED`. */
  readonly refusal?: RefusedHandshake;
  /** How the connection ended, with `SPRY_WS_TEST_CLOSED`. */
  readonly closure?: Closure;
}

/** @internal */
export function createError(
  code: TestErrorCode,
  message: string,
  details: Pick<TestError, "refusal" | "closure"> & { readonly cause?: unknown } = {},
): TestError {
  const { cause, ...rest } = details;
  const error = new constructors[classes[code]](message, cause === undefined ? undefined : { cause });
  return Object.assign(error, { code, ...rest });
}

/** The text of an error. Node tries all addresses of a host name; if none works, its AggregateError has no message of its own. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && !error.message) return error.errors.map(reasonOf).join(", ");
  return error instanceof Error ? error.message : String(error);
}

const longestPreview = 200;

/** A text for use in an error, shortened if it is long. */
export function preview(text: string): string {
  return text.length <= longestPreview
    ? text
    : `${text.slice(0, longestPreview)}… (${text.length} characters)`;
}

/** Names a value for the text of an error. */
export function describe(value: unknown): string {
  if (typeof value === "string") return `the string ${JSON.stringify(value)}`;
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  const name: string | undefined = value.constructor?.name;
  return name && name !== "Object" ? `a ${name}` : "a plain object";
}
