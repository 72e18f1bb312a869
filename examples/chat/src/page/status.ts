import type { Status } from "@spry-ws/client";
import { byId, element } from "./elements.ts";

/** What some close codes mean to someone who reads a chat. For others the reason is shown, or the code where there is none. */
const meanings: Readonly<Record<number, string>> = {
  1001: "the server has stopped",
  1011: "the server has made a mistake",
};

let hasBeenOpen = false;
let whyLost = "";
let countdown: ReturnType<typeof setInterval> | undefined;

/** Shows what the connection is doing: connected, lost and why, when it is tried again. */
export function showStatus(status: Status): void {
  const { state, code, reason, retryAt } = status;
  clearInterval(countdown);
  if (state === "open") {
    hasBeenOpen = true;
    whyLost = "";
    show("open", "Connected");
    return;
  }
  // What the server has said stays, where all that comes after it is that it cannot be reached.
  const isSaid = code !== undefined && code !== 1006;
  whyLost = (isSaid && (meanings[code] || reason || `code ${code}`)) || whyLost;
  const because = whyLost && `: ${whyLost}`;
  if (state === "closed") show("lost", `Not connected${because}. Reload the page to come back.`);
  else if (state === "connecting" && !hasBeenOpen && !code) show("connecting", "Connecting …");
  else {
    const lost = state === "offline" ? "You are offline" : `Connection lost${because}`;
    // Seconds that pass are for the eyes: nobody wants to have them read out.
    const seconds = element("span", { ariaHidden: "true" });
    const tick = () => {
      const left = retryAt ? Math.ceil((retryAt - Date.now()) / 1_000) : 0;
      seconds.textContent = left > 0 ? ` in ${left} s` : "";
    };
    tick();
    if (retryAt) countdown = setInterval(tick, 250);
    show("lost", `${lost}. Trying again`, seconds, " …");
  }
}

function show(state: "connecting" | "open" | "lost", ...text: (Node | string)[]): void {
  document.documentElement.dataset["state"] = state;
  byId("state").replaceChildren(element("span", {}, ...text));
}
