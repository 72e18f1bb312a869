const byId = (id) => document.getElementById(id);
const [field, askButton, cancelButton] = [byId("prompt"), byId("submit"), byId("cancel")];
const maxPromptLength = 4_000;
const socket = new WebSocket(new URL("/ask", location.href.replace("http", "ws")));

/** While an answer is coming the server refuses a second question; without a connection there is nobody to ask. */
function setState(text, { canAsk, canCancel }) {
  byId("state").textContent = text;
  askButton.disabled = !canAsk;
  cancelButton.disabled = !canCancel;
}

socket.addEventListener("open", () => setState("", { canAsk: true, canCancel: false }));
socket.addEventListener("message", ({ data }) => {
  const { type, text, reason } = JSON.parse(data);
  // textContent: what a model says is text, not HTML.
  if (type === "token") byId("answer").textContent += text;
  else setState(reason ?? type, { canAsk: true, canCancel: false });
});
socket.addEventListener("close", ({ code, reason }) => {
  const why = `Disconnected (${code}${reason && `: ${reason}`}). Reload the page to come back.`;
  setState(why, { canAsk: false, canCancel: false });
});

// In place of `maxlength`, which cuts off what is pasted without a word.
field.addEventListener("input", () => {
  const excess = field.value.length - maxPromptLength;
  field.setCustomValidity(
    excess > 0 ? `${excess} characters too many: the longest has ${maxPromptLength}.` : "",
  );
});

byId("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  if (askButton.disabled || socket.readyState !== WebSocket.OPEN) return;
  socket.send(JSON.stringify({ type: "ask", prompt: field.value }));
  byId("answer").textContent = "";
  setState("", { canAsk: false, canCancel: true });
});
cancelButton.addEventListener("click", () => socket.send('{"type":"cancel"}'));
