import { type MemberValue, valueFrom } from "./member-value.ts";

/** A member, as processes tell each other: its data is left out where it has none. */
export type MemberEntry = readonly [key: string, stamp: number, data?: unknown];

/** What processes tell each other of one topic. Each says who it is first: a random id of a process's use of the topic. */
export type ProcessMessage =
  | MembersMessage
  /** I am new, or was away: who is there? */
  | readonly ["h", from: string]
  /** I am missing something of these: they are to tell all. */
  | readonly ["a", from: string, of: readonly string[]]
  /** I end: my members stay for so long, in milliseconds. The heir takes them; without one, all who hear it. */
  | readonly ["g", from: string, graceMs: number, heir: string | null];

/** What a process says of its members. */
export type MembersMessage =
  /** What has changed: the next number. Members that have come or have other data, and the keys of those who have left. */
  | readonly ["d", from: string, number: number, set: readonly MemberEntry[], left: readonly string[]]
  /** I am there, and have told up to this number. */
  | readonly ["b", from: string, number: number]
  /** All members at a number, in so many parts. */
  | readonly [
      "s",
      from: string,
      number: number,
      part: number,
      parts: number,
      members: readonly MemberEntry[],
    ];

export function entryOf(key: string, { stamp, json, data }: MemberValue): MemberEntry {
  return json === undefined ? [key, stamp] : [key, stamp, data];
}

export function valueOfEntry([, stamp, data]: MemberEntry): MemberValue {
  return data === undefined ? { stamp, json: undefined, data } : valueFrom(stamp, JSON.stringify(data));
}

/** Undefined for what no process of this version has sent. */
export function decodeProcessMessage(text: string): ProcessMessage | undefined {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(message) || typeof message[0] !== "string" || !isText(message[1])) return undefined;
  const check = Object.hasOwn(checks, message[0]) ? checks[message[0]] : undefined;
  return check?.(message.slice(2)) ? (message as unknown as ProcessMessage) : undefined;
}

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";
const isNumber = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);
const isEntry = (value: unknown): boolean => Array.isArray(value) && isText(value[0]) && isNumber(value[1]);
const isEntries = (value: unknown): boolean => Array.isArray(value) && value.every(isEntry);

const checks: Readonly<Record<string, (rest: readonly unknown[]) => boolean>> = {
  d: ([number, set, left]) => isNumber(number) && isEntries(set) && isTexts(left),
  b: ([number]) => isNumber(number),
  h: () => true,
  a: ([of]) => isTexts(of),
  s: ([number, part, parts, members]) => [number, part, parts].every(isNumber) && isEntries(members),
  g: ([graceMs, heir]) => isNumber(graceMs) && (heir === null || isText(heir)),
};
