/** How often the round trip is measured, in milliseconds. */
const measureEveryMs = 3_000;

/** What the connection is doing, in words. */
export function describe({ state, code, reason }) {
  const why = code && code !== 1006 ? ` (${code}${reason ? `: ${reason}` : ""})` : "";
  switch (state) {
    case "open":
      return "Connected";
    case "closed":
      return `Disconnected${why}. Reload the page to come back.`;
    case "offline":
      return "You are offline. Trying again …";
    default:
      return code ? `Connection lost${why}. Trying again …` : "Connecting …";
  }
}

/** Asks who answers with a plain request, where the WebSocket's route is a raw one. */
export async function askWhere() {
  const response = await fetch("/where");
  return response.text();
}

/** In place of `maxlength`, which cuts off what is pasted without a word. */
export function limitLength(field, maxLength) {
  field.addEventListener("input", () => {
    const excess = field.value.trim().length - maxLength;
    field.setCustomValidity(excess > 0 ? `${excess} characters too many: the longest has ${maxLength}.` : "");
  });
}

/** Shows, in `#panel`, what the connection is doing, the round trip, who answers, and what was resumed: see panel.d.ts. */
export function showPanel(watched, ask) {
  const panel = document.getElementById("panel");
  const [state, roundTrip, server, resumed] = ["Connection", "Round trip", "Answered by", "Resumed"].map(
    (name) => {
      const [row, term, value] = ["div", "dt", "dd"].map((tag) => document.createElement(tag));
      term.textContent = name;
      value.textContent = "–";
      row.append(term, value);
      panel.append(row);
      return value;
    },
  );
  const said = document.createElement("span");
  said.role = "status";
  state.replaceChildren(said);

  async function measure() {
    if (watched.status.state !== "open") return;
    const startedAt = performance.now();
    // Where the connection is lost meanwhile, the next one is asked.
    const answer = await ask().catch(() => undefined);
    if (answer === undefined) return;
    roundTrip.textContent = `${Math.max(1, Math.round(performance.now() - startedAt))} ms`;
    server.textContent = answer;
  }

  let wasOpen = false;
  let losses = 0;
  function changed() {
    const { status } = watched;
    const isOpen = status.state === "open";
    document.documentElement.dataset.state = isOpen ? "open" : wasOpen || status.code ? "lost" : "connecting";
    said.textContent = describe(status);
    if (isOpen) {
      if (wasOpen) {
        losses++;
        resumed.textContent = losses === 1 ? "once" : `${losses} times`;
      }
      wasOpen = true;
      void measure();
    } else {
      roundTrip.textContent = "–";
      server.textContent = "–";
    }
  }
  if (watched.onStatus) watched.onStatus(changed);
  else watched.addEventListener("status", changed);
  changed();
  setInterval(measure, measureEveryMs);
  return {
    measure,
    resumed(text) {
      resumed.textContent = text;
    },
  };
}
