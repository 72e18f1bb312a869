import { connect } from "./connection.js";
import { readKey } from "./identity.js";
import { badge, element, isShown, nameOf, showNotice, showRemark } from "./messages.js";
import { createOutbox } from "./outbox.js";

/** How often the others are told that someone is typing, and how long they believe it, in milliseconds. */
const tellTypingMs = 2_000;
const forgetTypingMs = 4_000;

const displayNames = { express: "Express", fastify: "Fastify", koa: "Koa" };
const maxNameLength = 24;
/** How long a text may be, and from where on the page says how long it is. */
const maxTextLength = 1_000;
const countFromLength = 800;

const states = { connecting: "Connecting …", open: "Connected" };
/** What a close code without a reason means to someone who reads a chat. Others are shown as they are. */
const reasons = {
  1001: "the server has stopped",
  1006: "",
  1011: "the server has made a mistake",
};

const byId = (id) => document.getElementById(id);
const dialog = byId("welcome");
const nameField = byId("name");
const textField = byId("text");

let connection;
const outbox = createOutbox({
  send: (message) => connection.send(message),
  restart: () => connection.restart(),
});
let me;
let whyLost = "";
let toldTypingAt = 0;
const people = new Map();
/** The id of who is typing, and the timer that forgets it. */
const typing = new Map();

const handlers = {
  welcome({ you, people: here, history, hasOlder, places }) {
    const isBack = me !== undefined;
    me = you;
    document.documentElement.dataset.framework = you.framework;
    people.clear();
    for (const person of [you, ...here]) people.set(person.id, person);
    if (isBack && hasOlder && !history.some(isShown))
      showNotice("missing", "Some messages are missing here.");
    for (const remark of history) handlers.said({ remark });
    outbox.opened();
    showPeople();
    showPlaces(places);
    byId("rename").hidden = false;
    showNotice("joined", isBack ? "You are back, through " : "You joined through ", badge(you.framework));
  },
  joined({ person }) {
    people.set(person.id, person);
    showPeople();
    showNotice("joined", nameOf(person), " joined through ", badge(person.framework));
  },
  left({ person }) {
    people.delete(person.id);
    forgetTyping(person.id);
    showPeople();
    showNotice("left", nameOf(person), " left");
  },
  said({ remark }) {
    forgetTyping(remark.person.id);
    const isMine = remark.person.id === me.id;
    if (isMine) outbox.said(remark.id);
    showRemark(remark, isMine);
  },
  refused({ id, reason }) {
    outbox.refused(id, reason);
  },
  typing({ person }) {
    if (person.id === me.id) return;
    clearTimeout(typing.get(person.id));
    typing.set(person.id, setTimeout(forgetTyping, forgetTypingMs, person.id));
    showTyping();
  },
  error({ reason }) {
    showNotice("error", reason);
  },
};

function join(name) {
  const url = new URL("/chat", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  url.searchParams.set("name", name);
  connection = connect(url, ["chat.v1", `key.${readKey()}`], {
    onMessage: (message) => handlers[message.type]?.(message),
    onState: showState,
  });
}

function showState(state, why) {
  document.documentElement.dataset.state = state;
  byId("state").textContent = states[state] ?? describeLoss(why);
  if (state === "open") whyLost = "";
  if (state !== "lost") return;
  outbox.lost();
  for (const id of typing.keys()) forgetTyping(id);
}

/** What the server has said stays, where all that comes after it is that it cannot be reached. */
function describeLoss({ code, reason }) {
  whyLost = reason || (reasons[code] ?? `code ${code}`) || whyLost;
  return `Connection lost${whyLost && `: ${whyLost}`}. Trying again …`;
}

function showPeople() {
  byId("count").textContent = people.size;
  byId("people").replaceChildren(...[...people.values()].map(showPerson));
}

function showPerson(person) {
  const letter = [...person.name][0].toUpperCase();
  return element(
    "li",
    { dataset: { framework: person.framework } },
    element("span", { className: "avatar", ariaHidden: "true", textContent: letter }),
    nameOf(person),
    badge(person.framework),
  );
}

function showPlaces(places) {
  byId("places").replaceChildren(...places.map(showPlace));
}

function showPlace({ framework, port }) {
  const name = displayNames[framework];
  const url = new URL("/", location.href);
  url.port = port;
  const link = element("a", { href: url.href });
  if (framework === me.framework) {
    link.ariaCurrent = "page";
    link.append(name);
  } else {
    link.target = "_blank";
    link.ariaLabel = `Open on ${name}`;
    link.append(element("span", { textContent: "Open on " }), name);
  }
  return element("li", { dataset: { framework } }, link);
}

function showTyping() {
  const names = [...typing.keys()].map((id) => people.get(id)?.name ?? "Someone");
  const [first, second] = names;
  const who = names.length > 2 ? "Several people are" : second ? `${first} and ${second} are` : `${first} is`;
  byId("typing").textContent = names.length > 0 ? `${who} typing` : "";
}

function forgetTyping(id) {
  clearTimeout(typing.get(id));
  if (typing.delete(id)) showTyping();
}

function askName() {
  nameField.value = localStorage.getItem("name") ?? "";
  dialog.showModal();
  nameField.select();
}

/** As the server sees it. */
function tidy(name) {
  return name
    .replace(/\p{Cc}/gu, " ")
    .trim()
    .replace(/\s+/g, " ");
}

function problemOf(name) {
  if (name === "") return "A name needs a letter or two.";
  return name.length > maxNameLength ? `A name has at most ${maxNameLength} characters.` : "";
}

byId("join").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = tidy(nameField.value);
  nameField.setCustomValidity(problemOf(name));
  if (!nameField.reportValidity() || connection) return;
  localStorage.setItem("name", name);
  join(name);
  dialog.close();
  textField.focus();
});
nameField.addEventListener("input", () => nameField.setCustomValidity(""));
// Escape closes a dialog; without a name there is nothing to go back to.
dialog.addEventListener("close", () => connection ?? askName());

byId("rename").addEventListener("click", () => {
  connection.close();
  connection = undefined;
  outbox.lost();
  me = undefined;
  askName();
});

byId("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = textField.value.trim();
  if (text === "" || text.length > maxTextLength) return;
  outbox.add(text);
  textField.value = "";
  toldTypingAt = 0;
  showLength();
});

/** In place of `maxlength`, which cuts off what is pasted without a word. */
function showLength() {
  const { length } = textField.value.trim();
  const excess = length - maxTextLength;
  byId("length").textContent =
    excess > 0
      ? `${excess} too many: the longest message has ${maxTextLength} characters.`
      : length > countFromLength
        ? `${length} of ${maxTextLength} characters`
        : "";
  textField.ariaInvalid = String(excess > 0);
  byId("send").disabled = excess > 0;
}

textField.addEventListener("keydown", (event) => {
  // While a word is composed (Japanese, Chinese, …), Enter chooses it.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  byId("say").requestSubmit();
});

textField.addEventListener("input", () => {
  showLength();
  if (!textField.value || Date.now() - toldTypingAt < tellTypingMs) return;
  if (connection.send({ type: "typing" })) toldTypingAt = Date.now();
});

const remembered = tidy(localStorage.getItem("name") ?? "");
if (problemOf(remembered) === "") join(remembered);
else askName();
