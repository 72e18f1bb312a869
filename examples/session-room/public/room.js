const byId = (id) => document.getElementById(id);
const socket = new WebSocket(new URL("/room", location.href.replace("http", "ws")));

socket.addEventListener("open", () => {
  byId("state").textContent = "Connected";
});
socket.addEventListener("message", ({ data }) => {
  const { type, user, text } = JSON.parse(data);
  const line = document.createElement("li");
  // textContent and not innerHTML: what others say is text.
  line.textContent = type === "said" ? `${user}: ${text}` : `${user} ${type}`;
  byId("log").append(line);
});
socket.addEventListener("close", ({ code }) => {
  byId("state").textContent = "Disconnected. Reload the page to come back.";
  // Logged out (4001), or the session has expired (3000): the page is the login form now.
  if (code === 4001 || code === 3000) location.reload();
});

byId("say").addEventListener("submit", (event) => {
  event.preventDefault();
  if (socket.readyState !== WebSocket.OPEN) return;
  socket.send(byId("text").value);
  byId("text").value = "";
});
