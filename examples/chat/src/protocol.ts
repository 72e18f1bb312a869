import type { Message } from "@spry-ws/core";

export const frameworks = ["express", "fastify", "koa"] as const;
export type Framework = (typeof frameworks)[number];

/** What a page offers beside its key. */
export const subprotocol = "chat.v1";

export const maxNameLength = 24;
const maxTextLength = 1_000;

/** Someone in the room. The id is that of the browser: two people may choose the same name, and a page may be reloaded. */
export interface Person {
  readonly id: string;
  readonly name: string;
  readonly framework: Framework;
}

/** Something that was said. Its page has made the id, unique among what that person says. `at` is in milliseconds since 1970. */
export interface Remark {
  readonly id: string;
  readonly person: Person;
  readonly text: string;
  readonly at: number;
}

/** Where a framework's page is: the same host, another port. */
export interface Place {
  readonly framework: Framework;
  readonly port: number;
}

/**
 * What a page sends, after it has joined by connecting to `/chat?name=…`. Each `say` is answered: by `said`, which everyone gets, or by
 * `refused`. Until then the page keeps it, and where a connection was lost sends it again, with the same id: it is said once.
 */
export type ClientMessage = { type: "say"; id: string; text: string } | { type: "typing" };

/** What a page receives. The first message is always `welcome`. */
export type ServerMessage =
  | {
      type: "welcome";
      you: Person;
      people: Person[];
      history: Remark[];
      /** Whether more was said than is in `history`. */
      hasOlder: boolean;
      places: readonly Place[];
    }
  | { type: "joined"; person: Person }
  | { type: "left"; person: Person }
  | { type: "said"; remark: Remark }
  | { type: "refused"; id: string; reason: string }
  | { type: "typing"; person: Person }
  | { type: "error"; reason: string };

/** What is none of the messages; with the id of what was to be said, if that is known. */
interface Invalid {
  type: "invalid";
  id?: string;
  reason: string;
}

/** The name without the space around it, or undefined if it is none. */
export function parseName(name: string | null): string | undefined {
  const trimmed = name?.trim().replace(/\s+/g, " ");
  return trimmed && trimmed.length <= maxNameLength && !/\p{Cc}/u.test(trimmed) ? trimmed : undefined;
}

/** Reads what a client sent, which may be anything. Never throws. */
export function parseClientMessage(message: Message): ClientMessage | Invalid {
  let value: unknown;
  try {
    value = message.json();
  } catch {
    return { type: "invalid", reason: "A message must be JSON." };
  }
  if (!isRecord(value)) return { type: "invalid", reason: "A message must be a JSON object." };
  switch (value["type"]) {
    case "say":
      return parseSay(value["id"], value["text"]);
    case "typing":
      return { type: "typing" };
    default:
      return { type: "invalid", reason: 'The type of a message must be "say" or "typing".' };
  }
}

function parseSay(id: unknown, text: unknown): ClientMessage | Invalid {
  if (typeof id !== "string" || !/^[\w-]{1,64}$/.test(id)) {
    return { type: "invalid", reason: "What is said has an id of 1 to 64 letters, digits, - or _." };
  }
  if (typeof text !== "string" || text.trim() === "") {
    return { type: "invalid", id, reason: "There is no text." };
  }
  if (text.length > maxTextLength) {
    return { type: "invalid", id, reason: `The text is longer than ${maxTextLength} characters.` };
  }
  return { type: "say", id, text: text.trim() };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
