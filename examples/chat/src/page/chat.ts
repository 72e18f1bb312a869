import { type Client, connect, ServiceError } from "@spry-ws/client";
import type { chat, News, Person, Remark } from "../contract.ts";
import { badge, byId, nameOf } from "./elements.ts";
import { askName, listenToForms, rememberedName } from "./forms.ts";
import { readKey } from "./identity.ts";
import { isShown, showNotice, showRemark } from "./messages.ts";
import { createOutbox } from "./outbox.ts";
import { showPeople, showPlaces } from "./people.ts";
import { showStatus } from "./status.ts";
import { forgetAllTyping, forgetTyping, showTyping } from "./typing.ts";

/** How often the others are told that someone is typing, and how soon again after a line, in milliseconds. */
const tellTypingMs = 2_000;
const tellTypingAgainMs = 250;

let client: Client<typeof chat> | undefined;
let me: Person | undefined;
let tellTypingAt = 0;
const people = new Map<string, Person>();
/** Settles when what was said before is shown: what is said now comes below it. */
let entered: Promise<void> = Promise.resolve();

const outbox = createOutbox(async (remark) => {
  await entered;
  show(remark);
});

function join(name: string): void {
  const former = client;
  me = undefined;
  client = connect<typeof chat>(`/chat?${new URLSearchParams({ name })}`, { token: readKey() });
  client.onStatus((status) => {
    showStatus(status);
    if (status.state === "open") return;
    outbox.lost();
    forgetAllTyping();
  });
  showStatus(client.status);
  listen(client).catch((error) => {
    // What the status says too.
    if (!(error instanceof ServiceError && error.code === "closed")) throw error;
  });
  outbox.use(client);
  former?.close();
}

/** What is said while the history is on its way waits behind it. After a lost connection (a gap) both come anew. */
async function listen(client: Client<typeof chat>): Promise<void> {
  const items = client.topic("room")[Symbol.asyncIterator]();
  await enter(client);
  for await (const item of items) {
    if (item.type === "message") tell(item.data);
    else await enter(client);
  }
}

function enter(client: Client<typeof chat>): Promise<void> {
  entered = showRoom(client);
  return entered;
}

async function showRoom(client: Client<typeof chat>): Promise<void> {
  const isBack = me !== undefined;
  const welcome = await client.request("enter", { isBack }, { timeoutMs: 0 });
  const { you, people: here, history, hasOlder, places } = welcome;
  me = you;
  document.documentElement.dataset["framework"] = you.framework;
  people.clear();
  for (const person of [you, ...here]) people.set(person.id, person);
  if (isBack && hasOlder && !history.some(isShown)) showNotice("missing", "Some messages are missing here.");
  for (const remark of history) show(remark);
  showPeople(people.values());
  showPlaces(places, you.framework);
  byId("rename").hidden = false;
  showNotice("joined", isBack ? "You are back, through " : "You joined through ", badge(you.framework));
}

function tell(news: News): void {
  switch (news.type) {
    case "joined": {
      const { person } = news;
      const isNew = people.get(person.id)?.name !== person.name;
      people.set(person.id, person);
      showPeople(people.values());
      if (isNew) showNotice("joined", nameOf(person), " joined through ", badge(person.framework));
      return;
    }
    case "left": {
      const { person } = news;
      if (!people.delete(person.id)) return;
      forgetTyping(person.id);
      showPeople(people.values());
      showNotice("left", nameOf(person), " left");
      return;
    }
    case "said":
      forgetTyping(news.remark.person.id);
      show(news.remark);
      return;
    case "typing":
      if (news.person.id !== me?.id) showTyping(news.person);
  }
}

function show(remark: Remark): void {
  const isMine = remark.person.id === me?.id;
  if (isMine) outbox.remove(remark.id);
  showRemark(remark, isMine);
}

listenToForms({
  onName: join,
  // Escape closes a dialog; without a name there is nothing to go back to.
  onNoName: () => client ?? askName(),
  onText(text) {
    outbox.add(text);
    tellTypingAt = Math.min(tellTypingAt, Date.now() + tellTypingAgainMs);
  },
  onTyping() {
    if (Date.now() < tellTypingAt) return;
    if (client?.emit("typing", {})) tellTypingAt = Date.now() + tellTypingMs;
  },
});
byId("rename").addEventListener("click", askName);

const remembered = rememberedName();
if (remembered) join(remembered);
else askName();
