const byId = (id) => document.getElementById(id);
const [firstWaitMs, longestWaitMs] = [250, 5_000];

let socket;
let failures = 0;

/** Comes back by itself, later after each failure and not at the same time as the other pages. */
function connect(name) {
  const url = new URL("/chat", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  url.searchParams.set("name", name);
  socket = new WebSocket(url);
  socket.addEventListener("open", () => {
    failures = 0;
    byId("state").textContent = "Connected";
  });
  socket.addEventListener("message", ({ data }) => show(JSON.parse(data)));
  socket.addEventListener("close", () => {
    byId("state").textContent = "Connection lost. Trying again …";
    const waitMs = Math.min(firstWaitMs * 2 ** failures++, longestWaitMs);
    setTimeout(connect, waitMs * (0.5 + Math.random() / 2), name);
  });
}

function show({ name, framework, text }) {
  const item = document.createElement("li");
  const through = document.createElement("small");
  through.textContent = ` through ${framework}`;
  item.append(`${name}: ${text}`, through);
  byId("log").append(item);
  item.scrollIntoView();
}

byId("join").addEventListener("submit", (event) => {
  event.preventDefault();
  byId("join").hidden = true;
  byId("say").hidden = false;
  byId("text").focus();
  connect(byId("name").value);
});

byId("say").addEventListener("submit", (event) => {
  event.preventDefault();
  if (socket.readyState !== WebSocket.OPEN) return;
  socket.send(byId("text").value);
  byId("text").value = "";
});
