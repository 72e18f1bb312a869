import { type Client, ServiceError } from "@spry-ws/client";
import type { chat } from "../contract.ts";
import { byId, element } from "./elements.ts";
import { randomId } from "./identity.ts";
import { follow } from "./messages.ts";

/** How long a line waits for the room to take it, a connection that has to come back included, in milliseconds. */
const waitMs = 120_000;

interface Line {
  readonly text: string;
  readonly until: number;
  readonly row: HTMLElement;
  /** The log has it; it comes back from there. */
  isKept?: boolean;
  /** Why it could not be sent. */
  problem?: string;
}

const list = byId("outbox");

/**
 * What was written and is not in the room yet: on its way, or not sent, with the reason. It is shown, and kept through lost connections
 * and a reload until it comes back from the log. One line after the other, as order matters; each under an id, under which the log
 * has it once.
 */
export function createOutbox() {
  const lines = new Map<string, Line>();
  let client: Client<typeof chat> | undefined;
  let isSending = false;

  for (const [id, text, problem] of JSON.parse(sessionStorage.getItem("outbox") ?? "[]")) {
    put(id, text);
    if (problem) fail(id, problem);
  }

  async function send(): Promise<void> {
    if (isSending) return;
    isSending = true;
    for (;;) {
      const [id, line] = [...lines].find(([, { problem, isKept }]) => !problem && !isKept) ?? [];
      const asked = client;
      if (!asked || !id || !line) break;
      const { text, until } = line;
      const timeoutMs = Math.max(1, until - Date.now());
      try {
        await asked.request("say", { id, text }, { timeoutMs });
        line.isKept = true;
        save();
      } catch (error) {
        // A client that was closed for another one has left the line to that.
        if (client === asked) fail(id, problemOf(error));
      }
    }
    isSending = false;
  }

  /** Puts a line at the end. */
  function put(id: string, text: string): void {
    lines.get(id)?.row.remove();
    lines.delete(id);
    const row = element(
      "li",
      { className: "remark mine" },
      element("p", { className: "text", dir: "auto", textContent: text }),
      element("p", { className: "note", textContent: "Waits for the connection." }),
    );
    lines.set(id, { text, until: Date.now() + waitMs, row });
    follow(() => list.append(row));
    save();
  }

  function remove(id: string): void {
    lines.get(id)?.row.remove();
    lines.delete(id);
    save();
  }

  function fail(id: string, problem: string): void {
    const line = lines.get(id);
    if (!line) return;
    line.problem = problem;
    const again = element("button", { type: "button", className: "quiet", textContent: "Try again" });
    const discard = element("button", { type: "button", className: "quiet", textContent: "Discard" });
    again.addEventListener("click", () => {
      put(id, line.text);
      void send();
    });
    discard.addEventListener("click", () => remove(id));
    line.row.classList.add("failed");
    line.row.lastElementChild?.replaceChildren(`Not sent. ${problem}`, again, discard);
    save();
  }

  function save(): void {
    const unsaid = [...lines].filter(([, { isKept }]) => !isKept);
    const saved = unsaid.map(([id, { text, problem }]) => [id, text, problem]);
    sessionStorage.setItem("outbox", JSON.stringify(saved));
  }

  // A reload keeps the lines, closing the page does not.
  window.addEventListener("beforeunload", (event) => {
    if ([...lines.values()].some(({ isKept }) => !isKept)) event.preventDefault();
  });

  return {
    /** Sends what waits, and what is added, through this client. */
    use(newClient: Client<typeof chat>): void {
      client = newClient;
      void send();
    },
    add(text: string): void {
      put(randomId(), text);
      void send();
    },
    /** The log is another one, or lacks messages: sends again what has not come back from it. */
    repeat(): void {
      for (const line of lines.values()) line.isKept = false;
      save();
      void send();
    },
    /** It has come back from the log. */
    remove,
  };
}

function problemOf(error: unknown): string {
  if (!(error instanceof ServiceError)) return String(error);
  if (error.code === "timeout") return `There was no answer for ${waitMs / 60_000} minutes.`;
  if (error.code === "closed") return "The connection is closed.";
  return error.issues?.[0]?.message ?? error.message;
}
