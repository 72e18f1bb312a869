import type { Person } from "../contract.ts";
import { badge, element } from "./elements.ts";
import { showNotice } from "./messages.ts";

/** Where the reader came in, or came back: a notice in the log, and how many lines came meanwhile. */
export interface Arrival {
  readonly notice: HTMLElement;
  /** What was said before is older, by the clock of the room. */
  readonly at: number;
  readonly isBack: boolean;
  /** One more line that was said while the reader was away. */
  missed(): void;
}

export function showArrival(you: Person, at: number, isBack: boolean): Arrival {
  const count = element("span");
  let missed = 0;
  const notice = showNotice(
    "joined",
    isBack ? "You are back, through " : "You joined through ",
    badge(you.framework),
    count,
  );
  return {
    notice,
    at,
    isBack,
    missed() {
      missed++;
      count.textContent = `: resumed, ${missed} missed ${missed === 1 ? "line" : "lines"}`;
    },
  };
}
