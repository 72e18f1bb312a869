import { isSpryWsError } from "@spry-ws/core";
import { createError } from "@spry-ws/core/adapter";

/** What the client of NATS reports when the server refuses a subject. */
interface PermissionViolation extends Error {
  readonly operation: string;
  readonly subject: string;
}

export function isPermissionViolation(error: unknown): error is PermissionViolation {
  return error instanceof Error && error.name === "PermissionViolationError" && "operation" in error;
}

/**
 * Whether the server has refused a subscription because there are too many, or because its subject has too many parts. The server
 * does not say which subscription.
 */
export function isSubscriptionLimit(error: unknown): boolean {
  return (
    error instanceof Error && /^maximum subscriptions exceeded|number of tokens limit/i.test(error.message)
  );
}

export function failure(message: string, cause?: unknown): Error {
  return createError("SPRY_WS_BACKPLANE", message, cause);
}

/** The error for the user, with what the client said as its cause. */
export function explainRefusal(cause: unknown): Error {
  if (isSpryWsError(cause)) return cause;
  if (isPermissionViolation(cause))
    return failure(
      `the NATS user of the connection may not ${cause.operation === "publish" ? "publish to" : "subscribe to"} ` +
        `${cause.subject}: it needs both permissions for the prefix and ".>" after it`,
      cause,
    );
  if (isSubscriptionLimit(cause))
    return failure(
      `the NATS server takes no more subscriptions like this of the connection (${textOf(cause)}): see \`max_subscriptions\` ` +
        "and `max_subscription_tokens` in its configuration",
      cause,
    );
  return failure(`NATS refused or did not answer: ${textOf(cause)}`, cause);
}

/** The error for the user when the connection has been closed for good. */
export function explainClosed(cause: unknown): Error {
  if (!(cause instanceof Error)) return failure("the connection to NATS is closed");
  if (cause.name === "AuthorizationError" || cause.name === "UserAuthenticationExpiredError")
    return failure(`NATS refused the credentials of the connection: check them (${cause.message})`, cause);
  return failure(
    `the connection to NATS was given up (${textOf(cause)}): with \`maxReconnectAttempts: -1\` connect() never does that`,
    cause,
  );
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
