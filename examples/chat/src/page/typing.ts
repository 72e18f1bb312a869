import type { Person } from "../contract.ts";
import { byId } from "./elements.ts";

/** How long someone is believed to be typing after the last sign of it, in milliseconds. */
const forgetMs = 4_000;

/** By id: who is typing, and the timer that forgets it. */
const typing = new Map<string, { name: string; timer: ReturnType<typeof setTimeout> }>();

export function showTyping({ id, name }: Person): void {
  clearTimeout(typing.get(id)?.timer);
  typing.set(id, { name, timer: setTimeout(() => forgetTyping(id), forgetMs) });
  show();
}

export function forgetTyping(id: string): void {
  clearTimeout(typing.get(id)?.timer);
  if (typing.delete(id)) show();
}

export function forgetAllTyping(): void {
  for (const id of [...typing.keys()]) forgetTyping(id);
}

function show(): void {
  const [first, second, ...more] = [...typing.values()].map(({ name }) => name);
  const who = more.length > 0 ? "Several people are" : second ? `${first} and ${second} are` : `${first} is`;
  byId("typing").textContent = first ? `${who} typing` : "";
}
