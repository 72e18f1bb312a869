import "./page.css";
import { ReconnectingSocket } from "@spry-ws/client";
import { askWhere, showPanel } from "@spry-ws/example-page/panel.js";
import type { State } from "../src/protocol.ts";
import { describe } from "./view.ts";

const element = (id: string) => document.getElementById(id) as HTMLElement;
const button = element("click") as HTMLButtonElement;
const socket = new ReconnectingSocket("/clicks");
showPanel(socket, askWhere);

let state: State | undefined;
let text = describe;

function show(): void {
  if (state) element("clicks").textContent = text(state);
}

socket.addEventListener("message", ({ data }) => {
  state = JSON.parse(String(data));
  button.disabled = false;
  show();
});
// It comes back by itself: the first message of the next connection has what was clicked meanwhile.
socket.addEventListener("close", () => {
  button.disabled = true;
});
button.addEventListener("click", () => {
  if (socket.status.state === "open") socket.send("click");
});
// A key that is held down clicks 30 times a second, which is more than the server's rate limit.
button.addEventListener("keydown", (event) => {
  if (event.repeat) event.preventDefault();
});

// Edit view.ts while the page is open: the new text is there at once, through Vite's WebSocket, and this one stays open.
import.meta.hot?.accept("./view.ts", (view) => {
  text = view?.["describe"] ?? text;
  show();
});
