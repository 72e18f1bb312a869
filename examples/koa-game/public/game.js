const canvas = document.getElementById("arena");
const state = document.getElementById("state");
const context = canvas.getContext("2d");
const socket = new WebSocket(new URL("/play", location.href.replace("http", "ws")));
socket.binaryType = "arraybuffer";

let welcome;
let snapshot;
let pressed = 0;

socket.addEventListener("message", ({ data }) => {
  if (typeof data === "string") {
    welcome = JSON.parse(data);
    return;
  }
  // Several may have come since the last frame: only the newest is drawn.
  if (!snapshot) requestAnimationFrame(draw);
  snapshot = new DataView(data);
});
socket.addEventListener("close", ({ code, reason }) => {
  state.textContent = `Disconnected (${code}${reason && `: ${reason}`}). Reload the page to come back.`;
});

for (const [type, isDown] of Object.entries({ keydown: true, keyup: false })) {
  addEventListener(type, (event) => {
    const key = welcome?.keys[event.key.replace("Arrow", "").toLowerCase()];
    if (!key) return;
    event.preventDefault();
    press(isDown ? pressed | key : pressed & ~key);
  });
}
// A page in the background is not told that a key has been released.
addEventListener("blur", () => press(0));

function press(keys) {
  if (keys === pressed || socket.readyState !== WebSocket.OPEN) return;
  pressed = keys;
  socket.send(Uint8Array.of(pressed));
}

function draw() {
  context.fillStyle = "#eee";
  context.fillRect(0, 0, canvas.width, canvas.height);
  circle(snapshot.getUint16(4), snapshot.getUint16(6), 8, "#c80");
  for (let at = 8; at < snapshot.byteLength; at += 8) {
    const [id, x, y, score] = [0, 2, 4, 6].map((offset) => snapshot.getUint16(at + offset));
    circle(x, y, 16, id === welcome.you ? "#234" : "#69b");
    context.fillStyle = "#fff";
    context.textAlign = "center";
    context.fillText(score, x, y + 4);
  }
  snapshot = undefined;
}

function circle(x, y, radius, color) {
  context.fillStyle = color;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}
