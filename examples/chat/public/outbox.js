import { randomId } from "./identity.js";
import { element, follow } from "./messages.js";

/** The server refuses more than 10 messages in a second. */
const gapMs = 150;
/** Where a message is not answered by then, the connection is dead, though nobody has closed it. */
const answerWithinMs = 10_000;

const list = document.getElementById("outbox");

/**
 * What was written and is not in the room yet. It is shown, and kept until the room has said it, through lost connections and a
 * reload; it goes out in order, one at a time, and again with the same id where no answer came. What the room refuses stays too,
 * with the reason.
 *
 * @param {object} connection
 * @param {(message: object) => boolean} connection.send false while there is no connection
 * @param {() => void} connection.restart gives a connection up
 */
export function createOutbox({ send, restart }) {
  /** By id: the text, why it was refused if it was, and its row. */
  const items = new Map();
  let isOpen = false;
  /** The id of what was sent last, until it is answered and the gap behind it is over. */
  let last;
  let timer;

  for (const [id, text, problem] of JSON.parse(sessionStorage.getItem("outbox") ?? "[]")) {
    put(id, text, problem);
  }

  function save() {
    const saved = [...items].map(([id, { text, problem }]) => [id, text, problem]);
    sessionStorage.setItem("outbox", JSON.stringify(saved));
  }

  /** Puts something at the end. */
  function put(id, text, problem = "") {
    remove(id);
    const row = element(
      "li",
      { className: "remark mine" },
      element("p", { className: "text", dir: "auto", textContent: text }),
      element("p", { className: "note", textContent: "Waits for the connection." }),
    );
    items.set(id, { text, row });
    follow(() => list.append(row));
    if (problem) refuse(id, problem);
    save();
  }

  function remove(id) {
    items.get(id)?.row.remove();
    items.delete(id);
    save();
  }

  function refuse(id, problem) {
    const item = items.get(id);
    if (!item) return;
    item.problem = problem;
    const again = element("button", { type: "button", className: "quiet", textContent: "Send again" });
    const discard = element("button", { type: "button", className: "quiet", textContent: "Discard" });
    again.addEventListener("click", () => {
      put(id, item.text);
      sendNext();
    });
    discard.addEventListener("click", () => remove(id));
    item.row.classList.add("failed");
    item.row.lastChild.replaceChildren(`Not sent. ${problem}`, again, discard);
    save();
  }

  function sendNext() {
    const [id, item] = [...items].find(([, { problem }]) => problem === undefined) ?? [];
    if (!isOpen || last !== undefined || !item || !send({ type: "say", id, text: item.text })) return;
    last = id;
    timer = setTimeout(restart, answerWithinMs);
  }

  function answered(id) {
    if (id !== last) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      last = undefined;
      sendNext();
    }, gapMs);
  }

  function setOpen(isOpenNow) {
    clearTimeout(timer);
    last = undefined;
    isOpen = isOpenNow;
    sendNext();
  }

  return {
    add(text) {
      put(randomId(), text);
      sendNext();
    },
    /** The room has said it. */
    said(id) {
      remove(id);
      answered(id);
    },
    refused(id, reason) {
      refuse(id, reason);
      answered(id);
    },
    opened: () => setOpen(true),
    lost: () => setOpen(false),
  };
}
