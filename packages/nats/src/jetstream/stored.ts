import { createHash } from "node:crypto";
import { headers } from "@nats-io/transport-node";
import type { HistoryPosition } from "@spry-ws/core";
import type { NatsHeadersLike } from "../types.ts";

/** Of JetStream: a message with one it has seen is not stored again. */
const idHeader = "Nats-Msg-Id";
/** For how many milliseconds a message is kept, and `;first` where it was the first of its topic. */
const ownHeader = "Spry-Ws-History";
const expectedLast = "Nats-Expected-Last-Subject-Sequence";

/** How many bytes the headers of a message have at most. */
export const headersBytes = 200;

/** A message of the stream. */
export interface Stored {
  readonly seq: number;
  readonly tag: string;
  readonly data: Uint8Array;
  /** It was the first that its topic ever had. */
  readonly isFirst: boolean;
  /** When it is too old, in milliseconds since 1970. */
  readonly expiresAt: number;
  /** When it may be removed because a clock says so: a clock that is wrong by less than the age of a topic does no harm. */
  readonly removableAt: number;
}

/**
 * What JetStream knows a message by. Its ids are those of a whole stream, and headers take neither line breaks nor lone surrogates:
 * so it is a hash of the topic and the id, of 144 bits.
 */
export function messageId(topic: string, id: string): string {
  const text = `${topic.length}:${topic}${id}`;
  return createHash("sha256").update(Buffer.from(text, "utf16le")).digest("base64url").slice(0, 24);
}

/**
 * The tag of a message, 72 bits of its id: so it is known of a duplicate too, the original of which may not be kept any more. Ids are
 * random where the user gives none.
 */
export function tagOf(messageId: string): string {
  return /^[\w-]{24}$/.test(messageId) ? messageId.slice(0, 12) : "";
}

/** @param isFirst JetStream then refuses the message if its subject has any */
export function headersFor(messageId: string, maxAgeMs: number, isFirst: boolean): NatsHeadersLike {
  const made = headers();
  made.set(idHeader, messageId);
  made.set(ownHeader, isFirst ? `${maxAgeMs};first` : String(maxAgeMs));
  if (isFirst) made.set(expectedLast, "0");
  return made;
}

/** @param storedAt in milliseconds since 1970 */
export function storedOf(
  seq: number,
  storedAt: number,
  data: Uint8Array,
  header: (name: string) => string | undefined,
): Stored {
  const [age = "", first] = (header(ownHeader) ?? "").split(";");
  // What others have put into the stream has no age, and neither has a message that has just come.
  const maxAgeMs = Number.parseInt(age, 10) || Number.POSITIVE_INFINITY;
  return {
    seq,
    tag: tagOf(header(idHeader) ?? ""),
    data,
    isFirst: first === "first",
    expiresAt: storedAt + maxAgeMs,
    removableAt: storedAt + 2 * maxAgeMs,
  };
}

export function positionOf(epoch: string, stored: Stored | undefined): HistoryPosition {
  return { epoch, seq: stored?.seq ?? 0, tag: stored?.tag ?? "" };
}
