const byId = (id) => document.getElementById(id);
const [nameField, textField, sendButton] = [byId("name"), byId("text"), byId("send")];
const [maxNameLength, maxTextLength] = [24, 1_000];
const [firstWaitMs, longestWaitMs] = [250, 5_000];
/** A connection that lasted this long was a good one: the next wait is the first again. One that only opened was not. */
const settledMs = 5_000;
/** Where the room has not said by then what was sent, the connection is dead, though nobody has closed it. */
const answerWithinMs = 10_000;

let socket;
let failures = 0;
let unanswered;

/** Comes back by itself, later after each failure and not at the same time as the other pages. */
function connect(name) {
  const url = new URL("/chat", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  url.searchParams.set("name", name);
  socket = new WebSocket(url);
  let openedAt = Number.POSITIVE_INFINITY;
  socket.addEventListener("open", () => {
    openedAt = Date.now();
    showState("Connected");
    sendButton.disabled = false;
  });
  socket.addEventListener("message", ({ data }) => receive(JSON.parse(data)));
  socket.addEventListener("close", ({ code, reason }) => {
    // It may have arrived or not: the text stays, and its writer sees whether it is in the log.
    const lost = textField.readOnly ? "Your last message may not have arrived. " : "";
    showState(`Connection lost (${code}${reason && `: ${reason}`}). ${lost}Trying again …`);
    setWaiting(false);
    sendButton.disabled = true;
    if (Date.now() - openedAt > settledMs) failures = 0;
    const waitMs = Math.min(firstWaitMs * 2 ** failures++, longestWaitMs);
    setTimeout(connect, waitMs * (0.5 + Math.random() / 2), name);
  });
}

function receive(message) {
  if (message.type === "refused") showState(message.reason);
  else show(message);
  if (message.type === "refused" || message.isYours) setWaiting(false);
  if (message.isYours) textField.value = "";
}

function show({ name, framework, text }) {
  const item = document.createElement("li");
  const through = document.createElement("small");
  through.textContent = ` through ${framework}`;
  item.append(`${name}: ${text}`, through);
  byId("log").append(item);
  item.scrollIntoView();
}

function showState(text) {
  byId("state").textContent = text;
}

/** Until the room has said it, what was sent stays in its field: a connection that dies takes nothing with it. */
function setWaiting(isWaiting) {
  textField.readOnly = isWaiting;
  clearTimeout(unanswered);
  if (isWaiting) unanswered = setTimeout(() => socket.close(), answerWithinMs);
}

/** In place of `maxlength`, which cuts off what is pasted without a word. */
function limitLength(field, maxLength) {
  field.addEventListener("input", () => {
    const excess = field.value.trim().length - maxLength;
    field.setCustomValidity(excess > 0 ? `${excess} characters too many: the longest has ${maxLength}.` : "");
  });
}
limitLength(nameField, maxNameLength);
limitLength(textField, maxTextLength);

byId("join").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = nameField.value.trim();
  if (name === "" || socket) return;
  byId("join").hidden = true;
  byId("say").hidden = false;
  textField.focus();
  showState("Connecting …");
  connect(name);
});

byId("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = textField.value.trim();
  if (text === "" || textField.readOnly || socket.readyState !== WebSocket.OPEN) return;
  setWaiting(true);
  socket.send(text);
});
