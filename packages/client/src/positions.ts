import { contractError } from "@spry-ws/contract/wire";
import type { TopicFrom } from "./topic.ts";

/** What can be subscribed with. */
const wellFormed = /^(start|last:[1-9]\d*|[\w-]+\.\d+\.[\w-]*)$/;

/**
 * What to subscribe with, to begin there: undefined for "now".
 *
 * @throws TypeError `SPRY_WS_CONTRACT`
 */
export function toNeed(from: TopicFrom = "now"): string | undefined {
  if (from === "now") return undefined;
  const need = typeof from === "string" ? from : `last:${from?.last}`;
  if (wellFormed.test(need)) return need;
  throw contractError(
    `"from" must be "now", "start", { last: 50 } or a position, not ${JSON.stringify(from)}`,
  );
}

/** Whether it is "start" or the last so many: a place that has no number before a message comes from there. */
export function isVague(position: string | undefined): boolean {
  return position !== undefined && !position.includes(".");
}

/**
 * Whether one position is before another in the same log. False where that cannot be known; true where a vague one is compared with one
 * that is not, so that the first message shows it.
 */
export function isBefore(one: string | undefined, other: string | undefined): boolean {
  const [epoch, seq] = String(one).split(".");
  const [otherEpoch, otherSeq] = String(other).split(".");
  return isVague(one) ? otherSeq !== undefined : epoch === otherEpoch && Number(seq) < Number(otherSeq);
}
