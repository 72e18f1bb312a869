import { contractError } from "./errors.ts";

/** The parameters of a pattern: `{ room: string }` for `"rooms/:room"`, `{}` for one without any. */
export type ParamsOf<Pattern extends string> = {
  readonly [Name in NamesIn<Pattern>]: string;
};

type NamesIn<Pattern extends string> = Pattern extends `${infer Head}/${infer Tail}`
  ? NameOf<Head> | NamesIn<Tail>
  : NameOf<Pattern>;

type NameOf<Segment extends string> = Segment extends `:${infer Name}` ? Name : never;

/** The pattern of a topic, and the parameters in its name. */
export interface TopicMatch {
  readonly pattern: string;
  readonly params: Readonly<Record<string, string>>;
}

/** The longest name of a topic on the wire, in UTF-16 code units. */
export const maxTopicLength = 512;

/**
 * The name of a topic: the pattern with its parameters, each percent-encoded, so that a "/" in a parameter divides nothing.
 *
 * @throws TypeError `SPRY_WS_CONTRACT` for a parameter that is missing, empty, unknown or no string
 * @example
 * topicOf("rooms/:room", { room: "a/b" }); // "rooms/a%2Fb"
 */
export function topicOf(pattern: string, params: Readonly<Record<string, string>> = {}): string {
  const left = new Set(Object.keys(params));
  const topic = pattern
    .split("/")
    .map((segment) => {
      if (!segment.startsWith(":")) return segment;
      const name = segment.slice(1);
      left.delete(name);
      return encode(Object.hasOwn(params, name) ? params[name] : undefined, name, pattern);
    })
    .join("/");
  for (const name of left) throw contractError(`the topic "${pattern}" has no parameter "${name}"`);
  if (topic.length > maxTopicLength)
    throw contractError(`a topic of "${pattern}" is longer than ${maxTopicLength} characters`);
  return topic;
}

function encode(value: unknown, name: string, pattern: string): string {
  try {
    // Throws for a lone surrogate, which has no encoding.
    if (typeof value === "string" && value !== "") return encodeURIComponent(value);
  } catch {}
  throw contractError(
    `the topic "${pattern}" needs the parameter "${name}": a well-formed string, not ${JSON.stringify(value)}`,
  );
}

/** Finds the pattern of a topic. No two patterns of a contract match the same topic. */
export class TopicPatterns {
  readonly #patterns: readonly (readonly [pattern: string, segments: readonly string[]])[];

  /** @throws TypeError `SPRY_WS_CONTRACT` for a pattern that is not well-formed, or two that one topic could match */
  constructor(patterns: readonly string[]) {
    this.#patterns = patterns.map((pattern) => [pattern, segmentsOf(pattern)] as const);
    for (const [index, [one, segments]] of this.#patterns.entries())
      for (const [other, others] of this.#patterns.slice(0, index))
        if (overlap(segments, others))
          throw contractError(
            `the topics "${other}" and "${one}" can have the same name; make a part of them different, like "all/rooms"`,
          );
  }

  /** Undefined if the topic is not one of the contract. */
  match(topic: string): TopicMatch | undefined {
    const parts = topic.split("/");
    for (const [pattern, segments] of this.#patterns) {
      const params = paramsIn(segments, parts);
      if (params) return { pattern, params };
    }
    return undefined;
  }
}

function paramsIn(segments: readonly string[], parts: readonly string[]): Record<string, string> | undefined {
  if (segments.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const part = parts[index] as string;
    if (!segment.startsWith(":")) {
      if (segment !== part) return undefined;
      continue;
    }
    const value = decode(part);
    if (!value) return undefined;
    params[segment.slice(1)] = value;
  }
  return params;
}

/** Undefined for what `encodeURIComponent` would write in another way: each topic has only one name. */
function decode(part: string): string | undefined {
  try {
    const value = decodeURIComponent(part);
    return encodeURIComponent(value) === part ? value : undefined;
  } catch {
    return undefined;
  }
}

const parameter = /^:[A-Za-z_]\w*$/;
const literal = /^[\w.~-]+$/;

function segmentsOf(pattern: string): readonly string[] {
  const segments = pattern.split("/");
  const names = segments.filter((segment) => segment.startsWith(":"));
  const isWellFormed = segments.every((segment) => parameter.test(segment) || literal.test(segment));
  if (isWellFormed && new Set(names).size === names.length && !names.includes(":__proto__")) return segments;
  throw contractError(
    `the topic ${JSON.stringify(pattern)} is no pattern: write parts of letters, digits and . _ ~ - with "/" between them, ` +
      'and for a parameter ":" and a name that comes once, like "rooms/:room"',
  );
}

function overlap(one: readonly string[], other: readonly string[]): boolean {
  return (
    one.length === other.length &&
    one.every((segment, i) => segment === other[i] || segment.startsWith(":") || other[i]?.startsWith(":"))
  );
}
