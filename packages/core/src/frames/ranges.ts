import { copyInto } from "../message-bytes.ts";
import { place } from "./frame.ts";

/** Where frames lie, one range after the other: a buffer, where it begins in it, and where it ends; three items for each. */
export type Ranges = (Buffer | number)[];

/** Ranges that are shorter on average are copied into one: a further buffer in a system call costs as much as copying this many bytes. */
const copyBelow = 4_096;

let lastRanges: Readonly<Ranges> = [];
let lastCopy: Buffer | undefined;

/**
 * One buffer in place of many short ranges, the same for all the peers that get the same ranges one after the other. Undefined where
 * they are better written as they are.
 *
 * @param ranges not to be changed afterwards
 * @param size how many bytes they have together
 */
export function join(ranges: Readonly<Ranges>, size: number): Buffer | undefined {
  if (size >= (ranges.length / 3) * copyBelow) return undefined;
  if (!lastCopy || !isSame(ranges, lastRanges)) {
    lastCopy = copy(ranges, size);
    lastRanges = ranges;
  }
  return lastCopy;
}

function copy(ranges: Readonly<Ranges>, size: number): Buffer {
  const { buffer, start, end, words } = place(size);
  let at = start;
  for (let i = 0; i < ranges.length; i += 3) {
    const from = ranges[i + 1] as number;
    const to = ranges[i + 2] as number;
    copyInto(ranges[i] as Buffer, from, to, buffer, at, words);
    at += to - from;
  }
  return buffer.subarray(start, end);
}

/** What lies in a range never changes: frames are written once. */
function isSame(one: Readonly<Ranges>, other: Readonly<Ranges>): boolean {
  if (one.length !== other.length) return false;
  for (let i = one.length - 1; i >= 0; i--) if (one[i] !== other[i]) return false;
  return true;
}
