import { connect } from "./connection.js";
import { badge, element, nameOf, showNotice, showRemark } from "./messages.js";

/** How often the others are told that someone is typing, and how long they believe it, in milliseconds. */
const tellTypingMs = 2_000;
const forgetTypingMs = 4_000;

const displayNames = { express: "Express", fastify: "Fastify", koa: "Koa" };
const states = { connecting: "Connecting …", open: "Connected", lost: "Connection lost. Trying again …" };

const byId = (id) => document.getElementById(id);
const dialog = byId("welcome");
const nameField = byId("name");
const textField = byId("text");

let connection;
let me;
let toldTypingAt = 0;
const people = new Map();
/** The id of who is typing, and the timer that forgets it. */
const typing = new Map();

const handlers = {
  welcome({ you, people: here, history, places }) {
    const isBack = me !== undefined;
    me = you;
    document.documentElement.dataset.framework = you.framework;
    people.clear();
    for (const person of [you, ...here]) people.set(person.id, person);
    for (const remark of history) showRemark(remark, remark.person.id === me.id);
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
    showRemark(remark, remark.person.id === me.id);
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
  connection = connect(url, {
    onMessage: (message) => handlers[message.type]?.(message),
    onState: showState,
  });
}

function showState(state) {
  document.documentElement.dataset.state = state;
  byId("state").textContent = states[state];
  if (state === "lost") for (const id of typing.keys()) forgetTyping(id);
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

byId("join").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = nameField.value.replace(/\p{Cc}/gu, " ").trim();
  nameField.setCustomValidity(name ? "" : "A name needs a letter or two.");
  if (!nameField.reportValidity()) return;
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
  me = undefined;
  askName();
});

byId("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = textField.value.trim();
  // Without a connection the text stays where it is.
  if (!text || !connection.send({ type: "say", text })) return;
  textField.value = "";
  toldTypingAt = 0;
});

textField.addEventListener("keydown", (event) => {
  // While a word is composed (Japanese, Chinese, …), Enter chooses it.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  byId("say").requestSubmit();
});

textField.addEventListener("input", () => {
  if (!textField.value || Date.now() - toldTypingAt < tellTypingMs) return;
  if (connection.send({ type: "typing" })) toldTypingAt = Date.now();
});

const remembered = localStorage.getItem("name");
if (remembered) join(remembered);
else askName();
