import type { Message } from "@spry-ws/core";

/** What a client sends. One question at a time for each connection. */
export type ClientMessage = { type: "ask"; prompt: string } | { type: "cancel" };

/** What a client gets: tokens, then one of the others. */
export type ServerMessage =
  | { type: "token"; text: string }
  | { type: "done" }
  | { type: "cancelled" }
  | { type: "error"; reason: string };

const maxPromptLength = 4_000;

/** Reads what a client sent, which may be anything; undefined if it is not a message. */
export function parseMessage(message: Message): ClientMessage | undefined {
  let value: { type?: unknown; prompt?: unknown } | null;
  try {
    value = message.json();
  } catch {
    return undefined;
  }
  if (value?.type === "cancel") return { type: "cancel" };
  const prompt = value?.prompt;
  if (value?.type !== "ask" || typeof prompt !== "string") return undefined;
  return prompt !== "" && prompt.length <= maxPromptLength ? { type: "ask", prompt } : undefined;
}
