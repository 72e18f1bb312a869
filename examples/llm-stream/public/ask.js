import { ReconnectingSocket } from "@spry-ws/client";
import { askWhere, limitLength, showPanel } from "@spry-ws/example-page/panel.js";

const byId = (id) => document.getElementById(id);
const [field, askButton, cancelButton] = [byId("prompt"), byId("submit"), byId("cancel")];
const socket = new ReconnectingSocket("/ask");
showPanel(socket, askWhere);
limitLength(field, 4_000);
let isAnswering = false;

/** While an answer is coming the server refuses a second question; without a connection there is nobody to ask. */
function show(note) {
  const isOpen = socket.status.state === "open";
  byId("note").textContent = note;
  askButton.disabled = isAnswering || !isOpen;
  cancelButton.disabled = !isAnswering;
}

socket.addEventListener("open", () => show(byId("note").textContent));
socket.addEventListener("message", ({ data }) => {
  const { type, text, reason } = JSON.parse(data);
  // textContent: what a model says is text, not HTML.
  if (type === "token") {
    byId("answer").textContent += text;
    return;
  }
  isAnswering = false;
  show(reason ?? type);
});
// An answer ends with its connection: the next one is another conversation.
socket.addEventListener("close", () => {
  const wasAnswering = isAnswering;
  isAnswering = false;
  show(wasAnswering ? "The answer was cut off. Ask again." : "");
});

byId("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  if (askButton.disabled) return;
  socket.send(JSON.stringify({ type: "ask", prompt: field.value }));
  byId("answer").textContent = "";
  isAnswering = true;
  show("");
});
cancelButton.addEventListener("click", () => socket.send('{"type":"cancel"}'));
