import { randomFillSync } from "node:crypto";
import type { HistoryPosition } from "@spry-ws/core";

/** A position as the scripts write it: epoch, number and tag, and maybe more, with spaces between. */
export function toPosition(text: Buffer): { position: HistoryPosition; more: string | undefined } {
  const [epoch = "", seq, tag = "", more] = text.toString("latin1").split(" ");
  return { position: { epoch, seq: Number(seq), tag }, more };
}

/** How a script is told to begin behind a position. Any other string than those that the scripts write is a position of no log. */
export function fromPosition({
  epoch,
  seq,
  tag,
}: HistoryPosition): [epoch: string, seq: string, tag: string] {
  const isPossible = Number.isSafeInteger(seq) && seq >= 0 && isName(epoch) && (isName(tag) || tag === "");
  return isPossible ? [epoch, String(seq), tag] : ["", "0", ""];
}

function isName(text: string): boolean {
  return /^[\w-]{1,64}$/.test(text);
}

/** 48 bits are 8 characters of base64url. */
const randomBytes = 6;
const pool = Buffer.alloc(512 * randomBytes);
let used = pool.length;

/** A tag, or an epoch. */
export function randomName(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += randomBytes;
  return pool.toString("base64url", used - randomBytes, used);
}
