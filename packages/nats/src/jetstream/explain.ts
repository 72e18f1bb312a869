import { isSpryWsError, type SpryWsError } from "@spry-ws/core";
import { createError } from "@spry-ws/core/adapter";
import { isPermissionViolation } from "../explain.ts";

/** An error of the JetStream API. */
export interface ApiError {
  readonly code: number;
  readonly err_code?: number;
  readonly description?: string;
}

/** Nobody takes what was sent to a subject: there is no such stream, or no JetStream. */
export class NoResponders extends Error {
  constructor(subject: string) {
    super(`nobody answers to ${subject}`);
  }
}

/** JetStream has answered that it did not do it. */
export class Refused extends Error {
  readonly code: number;
  readonly errorCode: number | undefined;

  constructor({ code, err_code, description = "" }: ApiError) {
    super(description);
    this.code = code;
    this.errorCode = err_code;
  }
}

/** Of the JetStream API: no stream of this name, and a message that was expected to be the first of its subject and is not. */
export const streamNotFound = 10_059;
export const wrongLastSequence = 10_071;

/**
 * With these JetStream has certainly not stored a message: it is too large (10054), the stream is sealed (10109), an account or a
 * server has no more room (10002, 10023, 10028, 10047), and a stream that is full.
 */
const certain = new Set([10_002, 10_023, 10_028, 10_047, 10_054, 10_109]);

export function isCertain(error: unknown): boolean {
  if (error instanceof NoResponders || isPermissionViolation(error)) return true;
  if (!(error instanceof Refused)) return false;
  return certain.has(error.errorCode ?? 0) || /maximum (bytes|messages) exceeded/.test(error.message);
}

export function historyError(message: string, cause?: unknown): SpryWsError {
  return createError("SPRY_WS_HISTORY", message, cause);
}

/** The error for the user, with what the client or JetStream said as its cause. */
export function explain(cause: unknown): SpryWsError {
  if (isSpryWsError(cause)) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  if (isPermissionViolation(cause))
    return historyError(
      `the NATS user of the connection may not ${cause.operation === "publish" ? "publish" : "subscribe"} to ${cause.subject}`,
      cause,
    );
  if (cause instanceof NoResponders)
    return historyError(
      `${text}: the stream is gone, or JetStream is not enabled (\`jetstream: enabled\` in the configuration of the server)`,
      cause,
    );
  if (cause instanceof Refused)
    return historyError(`JetStream refused: ${text} (${cause.errorCode ?? cause.code})`, cause);
  return historyError(`NATS refused or did not answer: ${text}`, cause);
}
