/** Remarks of one person within this time stand under one name, in milliseconds. */
const togetherMs = 120_000;
/** How far from the end, in pixels, the reader may be and still have it kept in view. */
const nearPx = 80;

const log = document.getElementById("log");
const list = document.getElementById("messages");
const empty = document.getElementById("empty");
const newer = document.getElementById("newer");
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

/** By person and id. After a lost connection the server's history brings back what is shown already. */
const shown = new Set();
/** The remark at the end of the list, if nothing came after it. */
let last;

/** An element with its content as text: what came from a person is never markup, whatever it looks like. */
export function element(tag, properties = {}, ...children) {
  const { dataset, ...rest } = properties;
  const created = Object.assign(document.createElement(tag), rest);
  Object.assign(created.dataset, dataset);
  created.append(...children);
  return created;
}

/** A name, which may be written from right to left: `bdi` keeps that from turning the text around it. */
export function nameOf(person) {
  return element("bdi", { className: "name", textContent: person.name, title: person.name });
}

/** The framework someone came through. */
export function badge(framework) {
  return element("span", { className: "badge", dataset: { framework }, textContent: framework });
}

/** Something that was said. */
export function showRemark(remark, isMine) {
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

export function isShown(remark) {
  return shown.has(keyOf(remark));
}

function keyOf({ id, person }) {
  return `${person.id} ${id}`;
}

/** Something that happened: "joined", "left", "missing" or "error". */
export function showNotice(kind, ...parts) {
  append(element("li", { className: `notice ${kind}` }, ...parts), false);
  last = undefined;
}

/** Shows something that the reader has written, and so wants to see. */
export function follow(change) {
  empty.hidden = true;
  change();
  scrollToEnd();
}

/** Keeps the end in view, unless the reader has scrolled up. */
function append(item, follow) {
  const wasNear = isNearEnd();
  list.append(item);
  if (wasNear || follow) scrollToEnd();
  else newer.hidden = false;
}

function isNearEnd() {
  return log.scrollHeight - log.scrollTop - log.clientHeight < nearPx;
}

function scrollToEnd() {
  log.scrollTop = log.scrollHeight;
}

log.addEventListener("scroll", () => {
  if (isNearEnd()) newer.hidden = true;
});
newer.addEventListener("click", scrollToEnd);
// The keyboard of a phone takes half of the page away, from below.
new ResizeObserver(() => newer.hidden && scrollToEnd()).observe(log);
