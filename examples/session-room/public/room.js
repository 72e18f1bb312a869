const byId = (id) => document.getElementById(id);
const [field, button] = [byId("text"), byId("send")];
const maxTextLength = 500;
/** Where the room has not said by then what was sent, the connection is dead, though nobody has closed it. */
const answerWithinMs = 10_000;
const socket = new WebSocket(new URL("/room", location.href.replace("http", "ws")));
let unanswered;

socket.addEventListener("open", () => {
  showState("Connected");
  button.disabled = false;
});
socket.addEventListener("message", ({ data }) => {
  const { type, user, text, reason, isYours } = JSON.parse(data);
  if (type === "refused") showState(reason);
  else show(type === "said" ? `${user}: ${text}` : `${user} ${type}`);
  if (type === "refused" || isYours) setWaiting(false);
  if (type === "said" && isYours) field.value = "";
});
socket.addEventListener("close", ({ code, reason }) => {
  // Logged out (4001), or the session has expired (3000): the page is the login form now.
  if (code === 4001 || code === 3000) return location.reload();
  const lost = field.readOnly ? " Your last message may not have arrived." : "";
  showState(`Disconnected (${code}${reason && `: ${reason}`}).${lost} Reload the page to come back.`);
  setWaiting(false);
  button.disabled = true;
});

function show(text) {
  const line = document.createElement("li");
  // textContent and not innerHTML: what others say is text.
  line.textContent = text;
  byId("log").append(line);
}

function showState(text) {
  byId("state").textContent = text;
}

/** Until the room has said it, what was sent stays in its field: a connection that dies takes nothing with it. */
function setWaiting(isWaiting) {
  field.readOnly = isWaiting;
  clearTimeout(unanswered);
  if (isWaiting) unanswered = setTimeout(() => socket.close(), answerWithinMs);
}

// In place of `maxlength`, which cuts off what is pasted without a word.
field.addEventListener("input", () => {
  const excess = field.value.trim().length - maxTextLength;
  field.setCustomValidity(
    excess > 0 ? `${excess} characters too many: the longest has ${maxTextLength}.` : "",
  );
});

byId("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = field.value.trim();
  if (text === "" || field.readOnly || socket.readyState !== WebSocket.OPEN) return;
  setWaiting(true);
  socket.send(text);
});
