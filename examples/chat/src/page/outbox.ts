import { type Client, ServiceError } from "@spry-ws/client";
import type { chat, Remark } from "../contract.ts";
import { byId, element } from "./elements.ts";
import { randomId } from "./identity.ts";
import { follow } from "./messages.ts";

/** How long a line waits for the room to say it, a connection that has to come back included, in milliseconds. */
const waitMs = 120_000;
/** A line that was said so shortly before the connection was lost is said again: a room that was killed may not have told everybody. */
const settleMs = 2_000;

interface Line {
  readonly text: string;
  readonly until: number;
  readonly row: HTMLElement;
  /** Why it could not be sent. */
  problem?: string;
}

const list = byId("outbox");

/**
 * What was written and is not in the room yet: on its way, or not sent, with the reason. It is shown, and kept through lost connections
 * and a reload until the room has said it. One line after the other, as order matters; each under an id, under which the room says
 * it once.
 *
 * @param show shows what the room has said
 */
export function createOutbox(show: (remark: Remark) => Promise<void>) {
  const lines = new Map<string, Line>();
  /** The texts that were said just now, by id. */
  const settling = new Map<string, string>();
  let client: Client<typeof chat> | undefined;
  let isSending = false;
  /** Gives up what is being sent: it is sent again in its place. */
  let sending = new AbortController();

  for (const [id, text, problem] of JSON.parse(sessionStorage.getItem("outbox") ?? "[]")) {
    put(id, text);
    if (problem) fail(id, problem);
  }

  async function send(): Promise<void> {
    if (isSending) return;
    isSending = true;
    for (;;) {
      const [id, line] = [...lines].find(([, { problem }]) => !problem) ?? [];
      const asked = client;
      if (!asked || !id || !line) break;
      const { text, until } = line;
      sending = new AbortController();
      const { signal } = sending;
      const timeoutMs = Math.max(1, until - Date.now());
      try {
        await show(await asked.request("say", { id, text }, { timeoutMs, signal }));
        remove(id);
        settling.set(id, text);
        setTimeout(() => settling.delete(id), settleMs);
      } catch (error) {
        // A client that was closed for another one has left the line to that; with a connection that was lost it is sent again.
        if (client === asked && !signal.aborted) fail(id, problemOf(error));
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
    // It has been said, here it is shown.
    if (line.row.hidden) {
      remove(id);
      return;
    }
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
    const saved = [...lines].map(([id, { text, problem }]) => [id, text, problem]);
    sessionStorage.setItem("outbox", JSON.stringify(saved));
  }

  // A reload keeps the lines, closing the page does not.
  window.addEventListener("beforeunload", (event) => {
    if (lines.size > 0) event.preventDefault();
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
    /** The connection is lost. */
    lost(): void {
      const waiting = [...lines];
      lines.clear();
      for (const [id, text] of settling) {
        put(id, text);
        const line = lines.get(id);
        if (line) line.row.hidden = true;
      }
      settling.clear();
      for (const [id, line] of waiting) lines.set(id, line);
      save();
      // What was said before it comes first again.
      sending.abort();
    },
    /** The room has said it. */
    remove,
  };
}

function problemOf(error: unknown): string {
  if (!(error instanceof ServiceError)) return String(error);
  if (error.code === "timeout") return `There was no answer for ${waitMs / 60_000} minutes.`;
  if (error.code === "closed") return "The connection is closed.";
  return error.issues?.[0]?.message ?? error.message;
}
