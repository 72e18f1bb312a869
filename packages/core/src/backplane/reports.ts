import { createError } from "../errors.ts";

/** What is named of topics. */
const [maxNames, maxNameLength] = [5, 200];

/** A `SPRY_WS_BACKPLANE` whose text ends with that of its cause. */
export function withReason(text: string, cause: unknown): Error {
  const reason = reasonOf(cause);
  return createError("SPRY_WS_BACKPLANE", reason ? `${text}: ${reason}` : text, cause);
}

function reasonOf(cause: unknown): string {
  // Node tries all addresses of a name; the error of that has no message of its own.
  if (cause instanceof AggregateError && !cause.message) return cause.errors.map(reasonOf).join(", ");
  if (cause instanceof Error) return cause.message || cause.name;
  return cause === undefined ? "" : String(cause);
}

/** For the text of an error: not all of many topics, and of a long one its beginning. */
export function namesOf(topics: readonly string[]): string {
  const names = topics.slice(0, maxNames).map((topic) => JSON.stringify(topic.slice(0, maxNameLength)));
  const others = topics.length - names.length;
  return others > 0 ? `${names.join(", ")} and ${others} more` : names.join(", ");
}
