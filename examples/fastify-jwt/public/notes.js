import { ReconnectingSocket } from "@spry-ws/client";
import { askWhere, limitLength, showPanel } from "@spry-ws/example-page/panel.js";

const byId = (id) => document.getElementById(id);
const [loginForm, addForm, field] = [byId("login"), byId("add"), byId("text")];
/** Where the server has not answered a note by then, it may not have arrived. */
const answerWithinMs = 10_000;

async function fetchToken(name) {
  const response = await fetch("/token", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name }),
  });
  if (!response.ok) throw new Error(`No token: ${response.status}`);
  return response.json();
}

function showNote(text) {
  byId("note").textContent = text;
}

function showToken(expiresAt) {
  byId("token").textContent = `Valid until ${new Date(expiresAt).toLocaleTimeString()}`;
}

function showForm(form) {
  loginForm.hidden = form !== loginForm;
  addForm.hidden = form !== addForm;
}

async function connect(name) {
  const { token, lifetimeS } = await fetchToken(name);
  /**
   * A page cannot set headers of a WebSocket: the token goes beside the subprotocol that the server selects. The list is read at each
   * attempt, so the newest token is in it.
   */
  const protocols = ["notes.v1", `bearer.${token}`];
  const useToken = (token) => protocols.splice(1, 1, `bearer.${token}`);
  const socket = new ReconnectingSocket("/notes", protocols);
  const send = (message) => socket.send(JSON.stringify(message));
  let unanswered;
  showPanel(socket, askWhere);
  showForm(addForm);
  showToken(Date.now() + lifetimeS * 1_000);

  /** Until the server has it, a note stays in its field. */
  function setWaiting(isWaiting) {
    field.readOnly = isWaiting;
    clearTimeout(unanswered);
    if (isWaiting) unanswered = setTimeout(mayBeLost, answerWithinMs);
  }
  function mayBeLost() {
    setWaiting(false);
    showNote("Your last note may not have arrived.");
  }

  async function renew() {
    const renewed = await fetchToken(name);
    useToken(renewed.token);
    if (socket.status.state === "open") send({ type: "renew", token: renewed.token });
  }
  // Where a turn fails, the next one tries again; without any, the connection ends with its token, and the next begins with a new one.
  setInterval(() => renew().catch((error) => showNote(String(error))), (lifetimeS * 1_000) / 3);

  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(data);
    if (message.type === "renewed") {
      showToken(message.expiresAt);
    } else if (message.type === "error") {
      setWaiting(false);
      showNote(message.reason);
    } else if (message.type === "added") {
      setWaiting(false);
      showNote("");
      field.value = "";
    } else {
      const line = document.createElement("li");
      line.textContent = `${message.author}: ${message.text}`;
      byId("notes").append(line);
    }
  });
  socket.addEventListener("close", () => field.readOnly && mayBeLost());
  addForm.onsubmit = (event) => {
    event.preventDefault();
    if (field.readOnly || socket.status.state !== "open") return;
    setWaiting(true);
    send({ type: "add", note: { text: field.value } });
  };
}

limitLength(field, 500);

loginForm.addEventListener("submit", (event) => {
  event.preventDefault();
  // Logged in twice, the page would have two connections, and show every note two times.
  if (loginForm.hidden) return;
  showForm(undefined);
  showNote("");
  connect(byId("name").value).catch((error) => {
    showNote(String(error));
    showForm(loginForm);
  });
});
