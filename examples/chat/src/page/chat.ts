import { type Client, connect, type PresenceChange, ServiceError } from "@spry-ws/client";
import type { chat, Person, Remark } from "../contract.ts";
import { badge, byId, nameOf } from "./elements.ts";
import { askName, listenToForms, rememberedName } from "./forms.ts";
import { readKey } from "./identity.ts";
import { showNotice, showRemark } from "./messages.ts";
import { createOutbox } from "./outbox.ts";
import { showPeople, showPlaces } from "./people.ts";
import { type Arrival, showArrival } from "./resumed.ts";
import { showStatus } from "./status.ts";
import { forgetAllTyping, forgetTyping, showTyping } from "./typing.ts";

/** How many of the last lines a page begins with. */
const recentLines = 50;
/** How often the others are told that someone is typing, and how soon again after a line, in milliseconds. */
const tellTypingMs = 2_000;
const tellTypingAgainMs = 250;

let client: Client<typeof chat> | undefined;
let me: Person | undefined;
let people: ReadonlyMap<string, Person> = new Map();
let tellTypingAt = 0;
/** Where the page is in the log. */
let position: string | undefined;
/** What comes waits until it is known who the reader is, and when they came. */
let entered: Promise<Arrival>;
let entries = 0;

const outbox = createOutbox();

function join(name: string): void {
  const former = client;
  const joining = connect<typeof chat>(`/chat?${new URLSearchParams({ name })}`, { token: readKey() });
  client = joining;
  me = undefined;
  joining.onStatus((status) => {
    showStatus(status);
    if (status.state === "open") enter(joining);
    else forgetAllTyping();
  });
  showStatus(joining.status);
  entered = new Promise(() => {});
  for (const listening of [listen(joining), read(joining)]) listening.catch(unlessClosed);
  outbox.use(joining);
  former?.close();
}

/** Who is here, who comes and goes, and who is typing. */
async function listen(client: Client<typeof chat>): Promise<void> {
  const room = client.topic("room");
  let isFresh = true;
  room.presence.listen(async (change) => {
    const { isLive, members } = room.presence;
    people = members;
    // Who came and went while the reader was away is no news: the list says who is here.
    const isNews = isLive && !isFresh;
    isFresh = !isLive;
    await entered;
    showPeople(people, me);
    if (isNews) tell(change);
  });
  for await (const item of room) {
    await entered;
    if (item.type === "message" && item.data.id !== me?.id) showTyping(item.data);
  }
}

/** What was said. After a lost connection the client goes on where it was. */
async function read(client: Client<typeof chat>): Promise<void> {
  for await (const item of client.topic("lines", {}, { from: position ?? { last: recentLines } })) {
    const arrival = await entered;
    position = item.position;
    if (item.type === "message") show(item.data, arrival);
    else {
      showNotice("missing", "Some lines may be missing here.");
      outbox.repeat();
    }
  }
}

function enter(client: Client<typeof chat>): void {
  entered = showRoom(client);
  entered.catch(unlessClosed);
}

async function showRoom(client: Client<typeof chat>): Promise<Arrival> {
  const entry = ++entries;
  const isBack = me !== undefined;
  const { you, at, places } = await client.request("enter", undefined, { timeoutMs: 0 });
  // Another connection has been made meanwhile: its answer is the newer one.
  if (entry !== entries) return entered;
  me = you;
  showPeople(people, you);
  document.documentElement.dataset["framework"] = you.framework;
  showPlaces(places, you.framework);
  byId("rename").hidden = false;
  return showArrival(you, at, isBack);
}

/** The status says it too. */
function unlessClosed(error: unknown): void {
  if (!(error instanceof ServiceError && error.code === "closed")) throw error;
}

function tell({ joined, left, updated }: PresenceChange<Person>): void {
  for (const { data: person } of left) {
    forgetTyping(person.id);
    showNotice("left", nameOf(person), " left");
  }
  for (const { data: person } of [...joined, ...updated])
    if (person.id !== me?.id)
      showNotice("joined", nameOf(person), " joined through ", badge(person.framework));
}

/** What was said before the reader came stands above their arrival; what was said while they were away, below it, counted. */
function show(remark: Remark, arrival: Arrival): void {
  const isMine = remark.person.id === me?.id;
  const isOld = remark.at <= arrival.at;
  forgetTyping(remark.person.id);
  if (isMine) outbox.remove(remark.id);
  const isNew = showRemark(remark, isMine, isOld && !arrival.isBack ? arrival.notice : null);
  if (isNew && isOld && arrival.isBack && !isMine) arrival.missed();
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
