import { randomFillSync } from "node:crypto";

const wordBytes = 8;
/** Filled for many words at once: asking the system for each costs more than all else about a word. */
const pool = Buffer.alloc(512 * wordBytes);
let used = pool.length;

/** A random word of 64 bits, for ids, epochs and tags. */
export function randomWord(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += wordBytes;
  return pool.toString("base64url", used - wordBytes, used);
}
