import "./page.css";
import type { State } from "../src/protocol.ts";
import { describe } from "./view.ts";

const element = (id: string) => document.getElementById(id) as HTMLElement;
const button = element("click") as HTMLButtonElement;
const socket = new WebSocket(new URL("/clicks", location.href.replace("http", "ws")));

let state: State | undefined;
let text = describe;

function show(): void {
  if (state) element("state").textContent = text(state);
}

socket.addEventListener("message", ({ data }) => {
  state = JSON.parse(data);
  button.disabled = false;
  show();
});
socket.addEventListener("close", ({ code, reason }) => {
  const why = reason ? `${code}: ${reason}` : code;
  element("state").textContent = `Disconnected (${why}). Reload the page to come back.`;
  button.disabled = true;
});
button.addEventListener("click", () => {
  if (socket.readyState === WebSocket.OPEN) socket.send("click");
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
