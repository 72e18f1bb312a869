import { decodePosition, type LogPosition } from "@spry-ws/contract/wire";

/** What a client was given: a message, or a gap in front of the next one. */
export type Got = { readonly position: string; readonly text: string } | { readonly gap: string };

/** A message of a log. */
export interface Stored {
  readonly position: string;
  readonly text: string;
}

/**
 * Compares what a client was given with the log: each message once, in its order, byte by byte, with a gap where messages are missing, and
 * nowhere else.
 *
 * @param log all that was ever known of the topic, in its order
 * @returns what is wrong
 */
export function compare(name: string, got: readonly Got[], log: readonly Stored[]): string[] {
  const wrong: string[] = [];
  const indices = new Map(log.map(({ position }, index) => [position, index]));
  let next: number | undefined;
  let hasGap = false;
  for (const item of got) {
    if ("gap" in item) {
      hasGap = true;
      continue;
    }
    const index = indices.get(item.position);
    if (index === undefined) {
      wrong.push(`${name} got ${item.position}, which is not in the log`);
      continue;
    }
    if (log[index]?.text !== item.text) wrong.push(`${name} got other bytes at ${item.position}`);
    if (next !== undefined && index < next) wrong.push(`${name} got ${item.position} again, or too late`);
    if (next !== undefined && index > next && !hasGap)
      wrong.push(`${name} misses ${index - next} in front of ${item.position}`);
    if (next !== undefined && index === next && hasGap)
      wrong.push(`${name} was told of a gap in front of ${item.position}, where nothing is missing`);
    hasGap = false;
    next = index + 1;
  }
  if (next !== log.length) wrong.push(`${name} ends at ${next} of ${log.length}`);
  return wrong;
}

/** Everything that is known of a log, in its order. */
export function merge(parts: Iterable<readonly Stored[]>): Stored[] {
  const all = new Map<string, Stored>();
  for (const part of parts) for (const one of part) all.set(one.position, one);
  const seq = ({ position }: Stored) => (decodePosition(position) as LogPosition).seq;
  return [...all.values()].sort((one, other) => seq(one) - seq(other));
}
