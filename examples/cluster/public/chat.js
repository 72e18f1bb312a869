import { connect, ServiceError } from "@spry-ws/client";
import { showPanel } from "@spry-ws/example-page/panel.js";
import { showLine, showNotice, showPeople, showProcesses } from "./show.js";

const byId = (id) => document.getElementById(id);
const [nameField, textField] = [byId("name"), byId("text")];
const [maxNameLength, maxTextLength] = [24, 1_000];
/** How many of the last lines a page begins with. */
const recentLines = 50;
/** How long a line is tried, with whichever process there is, in milliseconds. */
const waitMs = 60_000;

let client;
/** What is on its way, or was not sent: under the same id it is in the log once, however often it is sent. */
let line;

/** The page's own process first, and with each attempt the next one: where one was killed, another has the same room. */
function nextUrl(name) {
  let attempt = 0;
  return () => {
    const own = location.port;
    const others = known.map(({ port }) => String(port)).filter((port) => port !== own);
    const ports = [own, ...others];
    const url = new URL(`/chat?${new URLSearchParams({ name, key: readKey() })}`, location.href);
    url.port = ports[attempt++ % ports.length];
    return url;
  };
}
let known = [];

/** By it the reader is known again after a reload, and at another process. */
function readKey() {
  const key = sessionStorage.getItem("key") ?? crypto.randomUUID();
  sessionStorage.setItem("key", key);
  return key;
}

function join(name) {
  sessionStorage.setItem("name", name);
  byId("join").hidden = true;
  byId("say").hidden = false;
  textField.focus();
  client = connect(nextUrl(name));

  /** Settles with what the process has said of itself, and where the lines that were missed begin. */
  let arrived;
  let wasHere = false;
  let arrivals = 0;
  const ask = async () => {
    const here = await client.request("where", undefined, { timeoutMs: 5_000 });
    known = here.processes;
    showProcesses(here, (framework) => client.emit("kill", { framework }));
    return here;
  };
  const panel = showPanel(client, async () => {
    const { framework, pid } = await ask();
    return `${framework}, process ${pid}`;
  });

  async function arrive() {
    const arrival = ++arrivals;
    const { framework, at } = await client.request("where", undefined, { timeoutMs: 0 });
    // Another connection has been made meanwhile: its answer is the newer one.
    if (arrival !== arrivals) return arrived;
    const notice = showNotice(`You ${wasHere ? "are back" : "joined"} through ${framework}`);
    const isBack = wasHere;
    wasHere = true;
    let missed = 0;
    const show = () => {
      const text = `${missed} missed ${missed === 1 ? "line" : "lines"}`;
      panel.resumed(text);
      notice.textContent = `You are back through ${framework}: resumed, ${text}`;
    };
    if (isBack) show();
    /** In front of what a line stands. One that is older than the arrival was missed, or said before it. */
    return (said) => {
      if (said.at > at) return null;
      if (!isBack) return notice;
      if (said.name !== name) {
        missed++;
        show();
      }
      return null;
    };
  }

  client.onStatus(({ state }) => {
    if (state === "open") arrived = arrive();
    byId("send").textContent = state === "open" ? "Send" : "Send later";
  });
  const room = client.topic("lines", {}, { from: { last: recentLines } });
  let knowsWho = false;
  room.presence.listen(({ joined, left }) => {
    const { members, isLive } = room.presence;
    showPeople(members, readKey());
    // Who came and went while the reader was away is no news.
    const isNews = isLive && knowsWho;
    knowsWho = isLive;
    if (!isNews) return;
    for (const { key, data } of joined)
      if (key !== readKey()) showNotice(`${data.name} joined through ${data.framework}`);
    for (const { data } of left) showNotice(`${data.name} left`);
  });
  follow().catch((error) => {
    byId("note").textContent = `The room cannot be followed: ${error.message}`;
  });

  /** Each line once and in order, from whichever process. */
  async function follow() {
    for await (const item of room) {
      const place = await arrived;
      if (item.type === "message") showLine(item.data, item.data.name === name, place(item.data));
      else showNotice("Some lines may be missing here.");
    }
  }
}

/** Until the log has it, what was written stays in its field. */
async function say(text) {
  if (line?.text !== text) line = { id: crypto.randomUUID(), text };
  textField.readOnly = true;
  byId("note").textContent = "";
  try {
    await client.request("say", line, { timeoutMs: waitMs });
    line = undefined;
    textField.value = "";
  } catch (error) {
    const why = error instanceof ServiceError ? (error.issues?.[0]?.message ?? error.message) : String(error);
    byId("note").textContent = `Not sent: ${why}. Send it again: it is said once.`;
  }
  textField.readOnly = false;
}

/** In place of `maxlength`, which cuts off what is pasted without a word. */
function limitLength(field, maxLength) {
  field.addEventListener("input", () => {
    const excess = field.value.trim().length - maxLength;
    field.setCustomValidity(excess > 0 ? `${excess} characters too many: the longest has ${maxLength}.` : "");
  });
}
limitLength(nameField, maxNameLength);
limitLength(textField, maxTextLength);

byId("join").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = nameField.value.trim();
  if (name !== "" && !client) join(name);
});
byId("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = textField.value.trim();
  if (text !== "" && !textField.readOnly) void say(text);
});

// A reload keeps one's name.
const remembered = sessionStorage.getItem("name");
if (remembered) join(remembered);
else nameField.focus();
