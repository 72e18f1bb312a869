import { isSpryWsError } from "@spry-ws/core";
import { createError } from "@spry-ws/core/adapter";

/** The codes of errors of the two uses of Redis: by a backplane, and by the history of durable topics. */
export type RedisErrorCode = "SPRY_WS_BACKPLANE" | "SPRY_WS_HISTORY";

/** The answers that are the same after every reconnect, and what they mean. */
const refusals: readonly (readonly [answer: RegExp, text: string])[] = [
  [
    /^WRONGPASS|invalid password|invalid username/i,
    "Redis refused the username or password of the client: check them",
  ],
  [
    /^NOAUTH|Authentication required/i,
    "Redis wants a password and the client has none: give it `password` (and `username`)",
  ],
  [
    /^NOPERM/,
    "the Redis user of the client lacks a permission: it needs the commands and channels that the README of @spry-ws/redis lists",
  ],
];

/** The error for the user, with what the client said as its cause. */
export function explain(
  cause: unknown,
  otherwise: string,
  code: RedisErrorCode,
): { error: Error; isPermanent: boolean } {
  const text = textOf(cause);
  const refusal = refusals.find(([answer]) => answer.test(text));
  if (isSpryWsError(cause)) {
    const error = cause.code === code ? cause : createError(code, cause.message);
    return { error, isPermanent: false };
  }
  // ioredis adds the command, and with AUTH the password, to what may end up in a log.
  if (cause instanceof Error && "command" in cause) delete cause.command;
  const message = refusal ? `${refusal[1]} (${text})` : `${otherwise}: ${text}`;
  return { error: createError(code, message, cause), isPermanent: refusal !== undefined };
}

export function explainRefusal(cause: unknown, code: RedisErrorCode): Error {
  return explain(cause, "Redis refused or did not answer", code).error;
}

/**
 * Whether a server refuses a command that another server, or the same one later, would take:
 * - `MOVED`, `ASK`, `CLUSTERDOWN`, `TRYAGAIN`: the channel belongs to another server, or is being moved;
 * - `LOADING`: the server is still reading its data;
 * - `BUSY`: a script runs for longer than it should;
 * - `MASTERDOWN`, `READONLY`: the server is a replica now.
 *
 * `OOM`, `MISCONF` and `NOREPLICAS` are not among them: they are about stored data, and a message is not stored. A server that
 * answers one of them to PUBLISH all the same may do so for hours, and a new connection does not change it.
 */
export function isTransient(error: unknown): boolean {
  return /^(MOVED|ASK|CLUSTERDOWN|TRYAGAIN|LOADING|BUSY|MASTERDOWN|READONLY)\b/.test(textOf(error));
}

/**
 * Whether a server has answered, with an error: then it has not done what it was told, but for a script that fails behind its first write
 * (MAYBE). Errors of connections do not begin like that.
 */
export function isAnswer(error: unknown): boolean {
  return /^(?!MAYBE)[A-Z]{2,} /.test(textOf(error));
}

/** Whether the keys of a topic are just being moved to another server of the cluster, key by key; the others are not concerned. */
export function isBeingMoved(error: unknown): boolean {
  return /^(ASK|TRYAGAIN)\b/.test(textOf(error));
}

export function isScriptMissing(error: unknown): boolean {
  return textOf(error).startsWith("NOSCRIPT");
}

/** Whether a server says that it is a replica now. */
export function isDemotion(error: unknown): boolean {
  return /^(MASTERDOWN|READONLY)\b/.test(textOf(error));
}

/** Whether a server says that it cannot write its data to disk. It answers PING with that, but takes messages all the same. */
export function isAboutDisk(error: unknown): boolean {
  return textOf(error).startsWith("MISCONF");
}

/** Whether the Redis user of the client lacks a permission. */
export function isPermissionMissing(error: unknown): boolean {
  return textOf(error).startsWith("NOPERM");
}

export function isUnknownCommand(error: unknown): boolean {
  return /^ERR unknown command/i.test(textOf(error));
}

/** Whether a missing permission is for the command, whatever the channel. */
export function isAboutCommand(error: unknown): boolean {
  return /\bcommand\b/.test(textOf(error));
}

function textOf(error: unknown): string {
  // Node tries all addresses of a host name. If none works, its AggregateError has no message of its own.
  if (error instanceof AggregateError && !error.message && error.errors.length > 0)
    return error.errors.map(textOf).join(", ");
  return error instanceof Error ? error.message : String(error);
}
