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

/** By person and id. A room in memory that was started anew has forgotten that it has said a line, and says it again when it is asked to. */
const shown = new Set<string>();
/** The remark that was shown last, if nothing came after it. */
let last: { person: Person; at: number; before: Node | null } | undefined;

/**
 * Something that was said.
 *
 * @param before what it stands in front of; by default it is the last of all
 * @returns whether it was not there before
 */
export function showRemark(remark: Remark, isMine: boolean, before: Node | null = null): boolean {
  const { id, person, text, at } = remark;
  const key = `${person.id} ${id}`;
  if (shown.has(key)) return false;
  shown.add(key);
  empty.hidden = true;
  const goesOn = last?.before === before && last.person.id === person.id && at - last.at < togetherMs;
  const said = new Date(at);
  const time = element("time", { dateTime: said.toISOString(), textContent: clock.format(said) });
  const who = isMine
    ? [element("span", { className: "name", textContent: "You" }), time]
    : [nameOf(person), badge(person.framework), time];
  const item = element(
    "li",
    { className: "remark", dataset: { framework: person.framework } },
    element("p", { className: goesOn ? "visually-hidden" : "who" }, ...who),
    element("p", { className: "text", dir: "auto", textContent: text }),
  );
  item.classList.toggle("mine", isMine);
  item.classList.toggle("goes-on", goesOn);
  insert(item, before, isMine);
  last = { person, at, before };
  return true;
}

/** Something that happened. */
export function showNotice(kind: "joined" | "left" | "missing", ...parts: (Node | string)[]): HTMLElement {
  const notice = element("li", { className: `notice ${kind}` }, ...parts);
  insert(notice, null, false);
  last = undefined;
  return notice;
}

/** Shows something that the reader has written, and so wants to see. */
export function follow(change: () => void): void {
  empty.hidden = true;
  change();
  scrollToEnd();
}

/** Keeps the end in view, unless the reader has scrolled up. */
function insert(item: HTMLElement, before: Node | null, follow: boolean): void {
  const wasNear = isNearEnd();
  list.insertBefore(item, before);
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
