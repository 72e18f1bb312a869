import type { Person, Remark } from "../contract.ts";
import { badge, byId, element, nameOf } from "./elements.ts";

/** Remarks of one person within this time stand under one name, in milliseconds. */
const togetherMs = 120_000;
/** How far from the end, in pixels, the reader may be and still have it kept in view. */
const nearPx = 80;

const log = byId("log");
const list = byId("messages");
const empty = byId("empty");
const newer = byId("newer");
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

/** By person and id. After a lost connection the room's history brings back what is shown already. */
const shown = new Set<string>();
/** The remark at the end of the list, if nothing came after it. */
let last: { person: Person; at: number } | undefined;

/** Something that was said. */
export function showRemark(remark: Remark, isMine: boolean): void {
  const { person, text, at } = remark;
  if (isShown(remark)) return;
  shown.add(keyOf(remark));
  empty.hidden = true;
  const goesOn = last?.person.id === person.id && at - last.at < togetherMs;
  const said = new Date(at);
  const time = element("time", { dateTime: said.toISOString(), textContent: clock.format(said) });
  const who = isMine
    ? [element("span", { className: "visually-hidden", textContent: "You" }), time]
    : [nameOf(person), badge(person.framework), time];
  const item = element(
    "li",
    { className: "remark", dataset: { framework: person.framework } },
    element("p", { className: goesOn ? "visually-hidden" : "who" }, ...who),
    element("p", { className: "text", dir: "auto", textContent: text }),
  );
  item.classList.toggle("mine", isMine);
  item.classList.toggle("goes-on", goesOn);
  append(item, isMine);
  last = { person, at };
}

export function isShown(remark: Remark): boolean {
  return shown.has(keyOf(remark));
}

function keyOf({ id, person }: Remark): string {
  return `${person.id} ${id}`;
}

/** Something that happened. */
export function showNotice(kind: "joined" | "left" | "missing", ...parts: (Node | string)[]): void {
  append(element("li", { className: `notice ${kind}` }, ...parts), false);
  last = undefined;
}

/** Shows something that the reader has written, and so wants to see. */
export function follow(change: () => void): void {
  empty.hidden = true;
  change();
  scrollToEnd();
}

/** Keeps the end in view, unless the reader has scrolled up. */
function append(item: HTMLElement, follow: boolean): void {
  const wasNear = isNearEnd();
  list.append(item);
  if (wasNear || follow) scrollToEnd();
  else newer.hidden = false;
}

function isNearEnd(): boolean {
  return log.scrollHeight - log.scrollTop - log.clientHeight < nearPx;
}

function scrollToEnd(): void {
  log.scrollTop = log.scrollHeight;
}

log.addEventListener("scroll", () => {
  if (isNearEnd()) newer.hidden = true;
});
newer.addEventListener("click", scrollToEnd);
// The keyboard of a phone takes half of the page away, from below.
new ResizeObserver(() => newer.hidden && scrollToEnd()).observe(log);
