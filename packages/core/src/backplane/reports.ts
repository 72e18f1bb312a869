import { createError } from "../errors.ts";

/** How many topics the text of an error names, and how many characters of each. */
const [maxNames, maxNameLength] = [5, 200];

/** An error `SPRY_WS_BACKPLANE` whose text ends with the text of its cause. */
export function withReason(text: string, cause: unknown): Error {
  const reason = reasonOf(cause);
  return createError("SPRY_WS_BACKPLANE", reason ? `${text}: ${reason}` : text, cause);
}

function reasonOf(cause: unknown): string {
  // Node tries all addresses of a host name. If none works, its AggregateError has no message of its own.
  if (cause instanceof AggregateError && !cause.message) return cause.errors.map(reasonOf).join(", ");
  if (cause instanceof Error) return cause.message || cause.name;
  return cause === undefined ? "" : String(cause);
}

/** The topics as the text of an error names them: at most five, each at most 200 characters long. */
export function namesOf(topics: readonly string[]): string {
  const names = topics.slice(0, maxNames).map((topic) => JSON.stringify(topic.slice(0, maxNameLength)));
  const others = topics.length - names.length;
  return others > 0 ? `${names.join(", ")} and ${others} more` : names.join(", ");
}
