import "./page.css";
import type { State } from "../src/protocol.ts";
import { describe } from "./view.ts";

const element = (id: string) => document.getElementById(id) as HTMLElement;
const socket = new WebSocket(new URL("/clicks", location.href.replace("http", "ws")));

let state: State | undefined;
let text = describe;

function show(): void {
  if (state) element("state").textContent = text(state);
}

socket.addEventListener("message", ({ data }) => {
  state = JSON.parse(data);
  show();
});
socket.addEventListener("close", () => {
  element("state").textContent = "Disconnected. Reload the page to come back.";
});
element("click").addEventListener("click", () => {
  if (socket.readyState === WebSocket.OPEN) socket.send("click");
});

// Edit view.ts while the page is open: the new text is there at once, through Vite's WebSocket, and this one stays open.
import.meta.hot?.accept("./view.ts", (view) => {
  text = view?.["describe"] ?? text;
  show();
});
