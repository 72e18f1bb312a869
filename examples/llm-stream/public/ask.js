const byId = (id) => document.getElementById(id);
const socket = new WebSocket(new URL("/ask", location.href.replace("http", "ws")));

socket.addEventListener("message", ({ data }) => {
  const { type, text, reason } = JSON.parse(data);
  // textContent: what a model says is text, not HTML.
  if (type === "token") byId("answer").textContent += text;
  else {
    byId("cancel").disabled = true;
    byId("state").textContent = reason ?? type;
  }
});
socket.addEventListener("close", () => {
  byId("state").textContent = "Disconnected. Reload the page to come back.";
});

byId("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  // While an answer is coming the server refuses a second question.
  if (socket.readyState !== WebSocket.OPEN || !byId("cancel").disabled) return;
  socket.send(JSON.stringify({ type: "ask", prompt: byId("prompt").value }));
  byId("answer").textContent = "";
  byId("state").textContent = "";
  byId("cancel").disabled = false;
});
byId("cancel").addEventListener("click", () => socket.send('{"type":"cancel"}'));
