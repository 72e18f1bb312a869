import { ReconnectingSocket } from "@spry-ws/client";
import { askWhere, limitLength, showPanel } from "@spry-ws/example-page/panel.js";

const byId = (id) => document.getElementById(id);
const [field, button] = [byId("text"), byId("send")];
/** Where the room has not said by then what was sent, it may not have arrived. */
const answerWithinMs = 10_000;
const socket = new ReconnectingSocket("/room");
let unanswered;

showPanel(socket, askWhere);
limitLength(field, 500);

socket.addEventListener("open", () => {
  button.disabled = false;
});
socket.addEventListener("message", ({ data }) => {
  const { type, user, text, reason, isYours } = JSON.parse(data);
  if (type === "refused") showNote(reason);
  else show(`${user}${isYours ? " (you)" : ""}${type === "said" ? `: ${text}` : ` ${type}`}`);
  if (type === "refused" || isYours) setWaiting(false);
  if (type === "said" && isYours) {
    field.value = "";
    showNote("");
  }
});
socket.addEventListener("close", ({ code }) => {
  // Logged out (4001), or the session has expired (3000): the page is the login form now.
  if (code === 4001 || code === 3000) return location.reload();
  if (field.readOnly) mayBeLost();
  button.disabled = true;
});

function show(text) {
  const line = document.createElement("li");
  // textContent and not innerHTML: what others say is text.
  line.textContent = text;
  byId("log").append(line);
}

function showNote(text) {
  byId("note").textContent = text;
}

/** Sent again, it may be said twice: that is for its writer to decide. A contract and a service say it once, as the chat does. */
function mayBeLost() {
  setWaiting(false);
  showNote("Your last message may not have arrived.");
}

/** Until the room has said it, what was sent stays in its field: a connection that dies takes nothing with it. */
function setWaiting(isWaiting) {
  field.readOnly = isWaiting;
  clearTimeout(unanswered);
  if (isWaiting) unanswered = setTimeout(mayBeLost, answerWithinMs);
}

byId("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = field.value.trim();
  if (text === "" || field.readOnly || socket.status.state !== "open") return;
  setWaiting(true);
  socket.send(text);
});
