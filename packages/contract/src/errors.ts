import type { StandardSchemaV1 } from "@standard-schema/spec";

/** What a schema found wrong, and where: `path` leads to it from the outermost value. */
export interface Issue {
  readonly message: string;
  readonly path?: readonly (string | number)[];
}

/**
 * The codes of this library for a request that has failed. A handler may use codes of its own with `ServiceError`.
 *
 * | code | when |
 * |---|---|
 * | `invalid` | the input does not fit the schema; `issues` says where |
 * | `unknown` | the service has no request of this name: an old server, or a new page |
 * | `limit` | more requests are under way, or more bytes unanswered, than the service allows one client |
 * | `unavailable` | the process of the service is about to end; the request did not run |
 * | `internal` | the handler failed; why is in the server's log alone |
 * | `timeout` | the answer did not come in time; the request may have run |
 * | `aborted` | the caller's signal, or the server's end of it |
 * | `lost` | the connection was lost, and nobody can know whether the request ran |
 * | `full` | too many requests wait for a connection |
 * | `closed` | the client is closed, or was refused for good |
 */
export type FailureCode =
  | "invalid"
  | "unknown"
  | "limit"
  | "unavailable"
  | "internal"
  | "timeout"
  | "aborted"
  | "lost"
  | "full"
  | "closed";

/** What a `ServiceError` may have beside its code and message. */
export interface ServiceErrorOptions {
  readonly issues?: readonly Issue[] | undefined;
  readonly cause?: unknown;
}

/**
 * The failure of a request, on both sides: a handler throws it to tell the client why, and the client's promise rejects with it. Any
 * other error that a handler throws reaches the client as `internal`, without its text.
 *
 * @example
 * // in a handler
 * throw new ServiceError("room_full", "The room is full");
 * // in the page
 * if (error instanceof ServiceError && error.code === "room_full") showFull();
 */
export class ServiceError extends Error {
  readonly code: string;
  readonly issues: readonly Issue[] | undefined;

  /**
   * @param code one of `FailureCode`, or your own
   * @param message is sent to the client, so it must not contain secrets
   */
  constructor(code: string, message: string = code, { issues, cause }: ServiceErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "ServiceError";
    this.code = code;
    this.issues = issues;
  }
}

/** The issues of Standard Schema as they are sent: with a path of plain keys, and without what a schema library adds. */
export function toIssues(issues: readonly StandardSchemaV1.Issue[]): Issue[] {
  return issues.map(({ message, path }) =>
    // Array.from and not map, which would make an array of arktype's own class.
    path && path.length > 0 ? { message, path: Array.from(path, keyOf) } : { message },
  );
}

function keyOf(segment: PropertyKey | StandardSchemaV1.PathSegment): string | number {
  const key = typeof segment === "object" ? segment.key : segment;
  return typeof key === "number" ? key : String(key);
}

/** A mistake in a contract, or in how it is used: a TypeError with the code `SPRY_WS_CONTRACT`. */
export function contractError(text: string): TypeError & { readonly code: "SPRY_WS_CONTRACT" } {
  return Object.assign(new TypeError(text), { code: "SPRY_WS_CONTRACT" } as const);
}
