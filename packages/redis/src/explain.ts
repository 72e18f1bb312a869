import { isSpryWsError } from "@spry-ws/core";
import { createError } from "@spry-ws/core/adapter";

/** What the answers mean that no reconnect changes. */
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
export function explain(cause: unknown, otherwise: string): { error: Error; isPermanent: boolean } {
  const text = textOf(cause);
  const refusal = refusals.find(([answer]) => answer.test(text));
  if (isSpryWsError(cause)) return { error: cause, isPermanent: false };
  // ioredis adds the command, and with AUTH the password, to what may end up in a log.
  if (cause instanceof Error && "command" in cause) delete cause.command;
  const message = refusal ? `${refusal[1]} (${text})` : `${otherwise}: ${text}`;
  return { error: createError("SPRY_WS_BACKPLANE", message, cause), isPermanent: refusal !== undefined };
}

export function explainRefusal(cause: unknown): Error {
  return explain(cause, "Redis refused or did not answer").error;
}

/**
 * Whether a server says that it is not, or not now, the one that takes this. `MOVED`, `ASK`, `CLUSTERDOWN` and `TRYAGAIN`: the
 * channel is another server's, or just moves. `LOADING`: it reads its data. `BUSY`: a script runs for longer than it should.
 * `MASTERDOWN` and `READONLY`: it is a replica now.
 *
 * Not `OOM`, `MISCONF` and `NOREPLICAS`: they are about what is stored, of which a message is none. A server that answers one of
 * them to PUBLISH all the same may do so for hours, and no new connection changes it.
 */
export function isTransient(error: unknown): boolean {
  return /^(MOVED|ASK|CLUSTERDOWN|TRYAGAIN|LOADING|BUSY|MASTERDOWN|READONLY)\b/.test(textOf(error));
}

/** Whether a server says that it is a replica now: another one is the master. */
export function isDemotion(error: unknown): boolean {
  return /^(MASTERDOWN|READONLY)\b/.test(textOf(error));
}

/** What PING is answered where the data cannot be written to disk: messages are taken all the same. */
export function isAboutDisk(error: unknown): boolean {
  return textOf(error).startsWith("MISCONF");
}

/** Whether the user that the client is may not do this. */
export function isPermissionMissing(error: unknown): boolean {
  return textOf(error).startsWith("NOPERM");
}

export function isUnknownCommand(error: unknown): boolean {
  return /^ERR unknown command/i.test(textOf(error));
}

/** Whether it is the command that the user may not use, whatever the channel. */
export function isAboutCommand(error: unknown): boolean {
  return /\bcommand\b/.test(textOf(error));
}

function textOf(error: unknown): string {
  // Node tries all addresses of a name; the error of that has no message of its own.
  if (error instanceof AggregateError && !error.message && error.errors.length > 0)
    return error.errors.map(textOf).join(", ");
  return error instanceof Error ? error.message : String(error);
}
