import { createError } from "../errors.ts";

/** What is named of topics. */
const [maxNames, maxNameLength] = [5, 200];

/** A `SPRY_WS_BACKPLANE` whose text ends with that of its cause. */
export function withReason(text: string, cause: unknown): Error {
  const reason = cause instanceof Error ? `: ${cause.message}` : "";
  return createError("SPRY_WS_BACKPLANE", `${text}${reason}`, cause);
}

/** For the text of an error: not all of many topics, and of a long one its beginning. */
export function namesOf(topics: readonly string[]): string {
  const names = topics.slice(0, maxNames).map((topic) => JSON.stringify(topic.slice(0, maxNameLength)));
  const others = topics.length - names.length;
  return others > 0 ? `${names.join(", ")} and ${others} more` : names.join(", ");
}
