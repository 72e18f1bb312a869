import type { BackplaneMessage, BackplaneRefusal } from "../backplane.ts";
import { createError } from "../errors.ts";

/** The most characters of refused topics that are remembered. Beyond that the oldest topic is forgotten, and may be reported again. */
const maxCharacters = 1_000_000;

/**
 * The error for a call of a backplane's link of which the broker refused these parts and took the rest.
 *
 * @param refused the messages of a `publish`, or the topics of a `subscribe`, with the reason for each
 */
export function refusalOf<Part extends BackplaneMessage | string>(
  refused: ReadonlyMap<Part, unknown>,
): BackplaneRefusal<Part> {
  const [reason] = refused.values();
  const text = reason instanceof Error ? reason.message : String(reason);
  return Object.assign(createError("SPRY_WS_BACKPLANE", text, reason), { refused });
}

/** The parts of a rejected call that were refused, with the reasons: those that its error names, or else all of them. */
export function refusedParts<Part extends BackplaneMessage | string>(
  parts: readonly Part[],
  error: unknown,
): ReadonlyMap<Part, unknown> {
  if (error instanceof Error && "refused" in error && error.refused instanceof Map) return error.refused;
  return new Map(parts.map((part) => [part, error]));
}

/** Which topics the broker refuses: each is reported once, until it is taken. */
export class Refusals {
  readonly #topics = new Set<string>();
  readonly #report: (topics: readonly string[], reason: unknown) => void;
  #characters = 0;

  constructor(report: (topics: readonly string[], reason: unknown) => void) {
    this.#report = report;
  }

  get isEmpty(): boolean {
    return this.#topics.size === 0;
  }

  /** Reports those that were not refused before. @returns whether there are any */
  add(refused: ReadonlyMap<string, unknown>): boolean {
    const news = [...refused.keys()].filter((topic) => !this.#topics.has(topic));
    const [first] = news;
    if (first === undefined) return false;
    for (const topic of news) {
      this.#topics.add(topic);
      this.#characters += topic.length;
    }
    for (const oldest of this.#topics) {
      if (this.#characters <= maxCharacters) break;
      this.taken(oldest);
    }
    this.#report(news, refused.get(first));
    return true;
  }

  taken(topic: string): void {
    if (this.#topics.delete(topic)) this.#characters -= topic.length;
  }
}
