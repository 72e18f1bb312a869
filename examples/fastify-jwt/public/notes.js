const byId = (id) => document.getElementById(id);

async function fetchToken(name) {
  const response = await fetch("/token", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name }),
  });
  if (!response.ok) throw new Error(`No token: ${response.status}`);
  return response.json();
}

function show(text) {
  byId("state").textContent = text;
}

async function connect(name) {
  const { token, lifetimeS } = await fetchToken(name);
  // A page cannot set headers of a WebSocket: the token goes beside the subprotocol that the server selects.
  const url = new URL("/notes", location.href.replace("http", "ws"));
  const socket = new WebSocket(url, ["notes.v1", `bearer.${token}`]);
  const send = (message) => socket.send(JSON.stringify(message));

  const renewal = setInterval(
    () =>
      fetchToken(name).then(
        (renewed) => send({ type: "renew", token: renewed.token }),
        // The next turn tries again; without any, the connection ends with its token.
        (error) => show(String(error)),
      ),
    (lifetimeS * 1_000) / 3,
  );

  socket.addEventListener("open", () => {
    show("Connected");
    byId("login").hidden = true;
    byId("add").hidden = false;
  });
  socket.addEventListener("close", ({ code }) => {
    clearInterval(renewal);
    byId("login").hidden = false;
    byId("add").hidden = true;
    show(code === 3000 ? "The token has expired" : "Disconnected");
  });
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(data);
    if (message.type === "renewed") show(`Valid until ${new Date(message.expiresAt).toLocaleTimeString()}`);
    else if (message.type === "error") show(message.reason);
    else {
      const line = document.createElement("li");
      line.textContent = `${message.author}: ${message.text}`;
      byId("notes").append(line);
    }
  });
  byId("add").onsubmit = (event) => {
    event.preventDefault();
    send({ type: "add", note: { text: byId("text").value } });
    byId("text").value = "";
  };
}

byId("login").addEventListener("submit", (event) => {
  event.preventDefault();
  connect(byId("name").value).catch((error) => show(String(error)));
});
