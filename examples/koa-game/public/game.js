import { ReconnectingSocket } from "@spry-ws/client";
import { askWhere, showPanel } from "@spry-ws/example-page/panel.js";

const canvas = document.getElementById("arena");
const context = canvas.getContext("2d");
const socket = new ReconnectingSocket("/play");
showPanel(socket, askWhere);

/** How near a finger has to be, in units of the arena, to be where the player is. */
const nearEnough = 8;

let welcome;
let snapshot;
let pressed = 0;
/** Where a finger is. */
let target;

socket.addEventListener("open", () => {
  // A new connection is a new player, with no keys down.
  pressed = 0;
});
socket.addEventListener("message", ({ data }) => {
  if (typeof data === "string") {
    welcome = JSON.parse(data);
    return;
  }
  // Several may have come since the last frame: only the newest is drawn.
  if (!snapshot) requestAnimationFrame(draw);
  snapshot = new DataView(data);
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

for (const type of ["pointerdown", "pointermove"]) {
  canvas.addEventListener(type, (event) => {
    if (event.buttons === 0) return;
    const { left, top, width } = canvas.getBoundingClientRect();
    const scale = canvas.width / width;
    target = { x: (event.clientX - left) * scale, y: (event.clientY - top) * scale };
  });
}
for (const type of ["pointerup", "pointercancel", "pointerleave"]) {
  canvas.addEventListener(type, () => {
    target = undefined;
    press(0);
  });
}

function press(keys) {
  if (keys === pressed || socket.status.state !== "open") return;
  pressed = keys;
  socket.send(Uint8Array.of(pressed));
}

/** Presses the keys that lead from the player to the finger. */
function goTo({ x, y }, me) {
  const { up, down, left, right } = welcome.keys;
  const [dx, dy] = [x - me.x, y - me.y];
  const across = Math.abs(dx) < nearEnough ? 0 : dx < 0 ? left : right;
  const along = Math.abs(dy) < nearEnough ? 0 : dy < 0 ? up : down;
  press(across | along);
}

function draw() {
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(name);
  context.clearRect(0, 0, canvas.width, canvas.height);
  circle(snapshot.getUint16(4), snapshot.getUint16(6), 8, color("--coin"));
  for (let at = 8; at < snapshot.byteLength; at += 8) {
    const [id, x, y, score] = [0, 2, 4, 6].map((offset) => snapshot.getUint16(at + offset));
    const isMe = id === welcome.you;
    circle(x, y, 16, color(isMe ? "--me" : "--other"));
    context.fillStyle = color("--on-player");
    context.font = "600 14px system-ui, sans-serif";
    context.textAlign = "center";
    context.fillText(score, x, y + 5);
    if (isMe && target) goTo(target, { x, y });
  }
  snapshot = undefined;
}

function circle(x, y, radius, color) {
  context.fillStyle = color;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}
