const byId = (id) => document.getElementById(id);
const [loginForm, addForm, field] = [byId("login"), byId("add"), byId("text")];
const maxTextLength = 500;
/** Where the server has not answered a note by then, the connection is dead, though nobody has closed it. */
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

function showState(text) {
  byId("state").textContent = text;
}

function showForm(form) {
  loginForm.hidden = form !== loginForm;
  addForm.hidden = form !== addForm;
}

async function connect(name) {
  const { token, lifetimeS } = await fetchToken(name);
  // A page cannot set headers of a WebSocket: the token goes beside the subprotocol that the server selects.
  const url = new URL("/notes", location.href.replace("http", "ws"));
  const socket = new WebSocket(url, ["notes.v1", `bearer.${token}`]);
  const send = (message) => socket.send(JSON.stringify(message));
  let unanswered;

  /** Until the server has it, a note stays in its field. */
  function setWaiting(isWaiting) {
    field.readOnly = isWaiting;
    clearTimeout(unanswered);
    if (isWaiting) unanswered = setTimeout(() => socket.close(), answerWithinMs);
  }

  const renewal = setInterval(
    () =>
      fetchToken(name).then(
        (renewed) => send({ type: "renew", token: renewed.token }),
        // The next turn tries again; without any, the connection ends with its token.
        (error) => showState(String(error)),
      ),
    (lifetimeS * 1_000) / 3,
  );

  socket.addEventListener("open", () => {
    showState("Connected");
    showForm(addForm);
  });
  socket.addEventListener("close", ({ code, reason }) => {
    clearInterval(renewal);
    const why =
      code === 3000 ? "The token has expired." : `Disconnected (${code}${reason && `: ${reason}`}).`;
    showState(field.readOnly ? `${why} Your last note may not have arrived.` : why);
    setWaiting(false);
    showForm(loginForm);
  });
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(data);
    if (message.type === "renewed") {
      showState(`Valid until ${new Date(message.expiresAt).toLocaleTimeString()}`);
    } else if (message.type === "error") {
      setWaiting(false);
      showState(message.reason);
    } else if (message.type === "added") {
      setWaiting(false);
      field.value = "";
    } else {
      const line = document.createElement("li");
      line.textContent = `${message.author}: ${message.text}`;
      byId("notes").append(line);
    }
  });
  addForm.onsubmit = (event) => {
    event.preventDefault();
    if (field.readOnly || socket.readyState !== WebSocket.OPEN) return;
    setWaiting(true);
    send({ type: "add", note: { text: field.value } });
  };
}

// In place of `maxlength`, which cuts off what is pasted without a word.
field.addEventListener("input", () => {
  const excess = field.value.length - maxTextLength;
  field.setCustomValidity(
    excess > 0 ? `${excess} characters too many: the longest has ${maxTextLength}.` : "",
  );
});

loginForm.addEventListener("submit", (event) => {
  event.preventDefault();
  // Logged in twice, the page would have two connections, and show every note two times.
  if (loginForm.hidden) return;
  showForm(undefined);
  showState("Connecting …");
  connect(byId("name").value).catch((error) => {
    showState(String(error));
    showForm(loginForm);
  });
});
