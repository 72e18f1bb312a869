import { randomBytes } from "node:crypto";
import type {
  History,
  HistoryAppend,
  HistoryEntry,
  HistoryEvents,
  HistoryLink,
  HistoryPage,
  HistoryPosition,
  HistoryRead,
} from "@spry-ws/core";
import { notAppended } from "@spry-ws/core/adapter";

interface Stored extends HistoryEntry {
  readonly at: number;
  readonly previousTag: string;
}

interface Log {
  readonly epoch: string;
  entries: Stored[];
  head: HistoryPosition;
  readonly ids: Map<string, HistoryPosition>;
}

/** The contract in as few lines as it takes, and wrong in one way if a test wants that. */
export class PlainHistory implements History {
  readonly name = "plain";
  readonly #logs = new Map<string, Log>();
  readonly #links = new Set<{
    readonly topics: Set<string>;
    readonly events: HistoryEvents;
    isUp: boolean;
  }>();
  readonly #fault: string;

  constructor(fault = "") {
    this.#fault = fault;
  }

  open(events: HistoryEvents): HistoryLink {
    const own = { topics: new Set<string>(), events, isUp: false };
    let isClosed = false;
    this.#links.add(own);
    queueMicrotask(() => this.#up(own));
    const check = () => {
      if (isClosed) throw new Error("closed");
    };
    return {
      append: async (topic, message) => {
        if (!own.isUp) throw this.#fault === "plain refusal" ? new Error("down") : notAppended("down");
        if (this.#fault === "late order")
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
        const isNew = !this.#log(topic).ids.has(message.id);
        const position = this.#append(topic, message);
        if (this.#fault === "false refusal" && isNew && position.seq % 5 === 0) throw notAppended("full");
        return position;
      },
      read: async (topic, what) => {
        check();
        return this.#read(topic, what);
      },
      heads: async (topics) => {
        check();
        return topics.map((topic) => this.#log(topic).head);
      },
      subscribe: async (topics) => {
        for (const topic of topics) own.topics.add(topic);
      },
      unsubscribe: async (topics) => {
        if (this.#fault !== "no unsubscribe") for (const topic of topics) own.topics.delete(topic);
      },
      close: async () => {
        isClosed = true;
        own.isUp = false;
        if (this.#fault !== "told after close") this.#links.delete(own);
      },
    };
  }

  /** Every link is down, and soon back. */
  interrupt(): void {
    for (const link of this.#links) {
      link.isUp = false;
      link.events.down(new Error("interrupted"));
      if (this.#fault === "lost subscriptions") link.topics.clear();
      if (this.#fault !== "never back") setTimeout(() => this.#up(link), 5);
    }
  }

  /** Nothing is kept. */
  restart(): void {
    if (this.#fault === "same epoch")
      for (const [topic, { epoch }] of this.#logs) this.#logs.set(topic, emptyLog(epoch));
    else this.#logs.clear();
    this.interrupt();
  }

  #up(link: { readonly events: HistoryEvents; isUp: boolean }): void {
    if (!this.#links.has(link as never)) return;
    link.isUp = true;
    link.events.up();
  }

  #log(name: string): Log {
    const topic = this.#fault === "topics as UTF-8" ? Buffer.from(name).toString() : name;
    const log = this.#logs.get(topic) ?? emptyLog(random());
    this.#logs.set(topic, log);
    return log;
  }

  #append(topic: string, { data, id, retention }: HistoryAppend): HistoryPosition {
    const log = this.#log(topic);
    const known = log.ids.get(id);
    if (known && this.#fault !== "ids forgotten") return known;
    const previous = log.head;
    const position = { epoch: log.epoch, seq: previous.seq + 1, tag: random() };
    const copy = this.#fault === "text" ? Buffer.from(Buffer.from(data).toString()) : Uint8Array.from(data);
    const entry = { position, data: copy, at: performance.now(), previousTag: previous.tag };
    log.head = position;
    log.ids.set(id, position);
    log.entries.push(entry);
    const from = performance.now() - retention.maxAgeMs;
    log.entries = log.entries.filter(({ at }) => at > from).slice(-retention.maxMessages);
    const told = this.#fault === "wrong chain" ? previous.seq - 1 : previous.seq;
    for (const link of this.#links) if (link.topics.has(topic)) link.events.appended(topic, entry, told);
    return position;
  }

  #read(topic: string, { from, maxMessages, maxBytes }: HistoryRead): HistoryPage {
    const { entries, head, epoch } = this.#log(topic);
    const { list, isContinuous } = this.#behind(entries, head, epoch, from);
    const page: HistoryEntry[] = [];
    let bytes = 0;
    for (const { position, data } of list.slice(0, maxMessages)) {
      bytes += data.byteLength;
      if (page.length > 0 && bytes > maxBytes) break;
      page.push({ position, data });
    }
    return { entries: page, isContinuous, head, hasMore: page.length < list.length };
  }

  #behind(entries: Stored[], head: HistoryPosition, epoch: string, from: HistoryRead["from"]) {
    if (from === "start") return { list: entries, isContinuous: true };
    if ("last" in from) return { list: entries.slice(-from.last), isContinuous: true };
    const hasTag = (tag: string) => this.#fault === "tags not compared" || tag === from.tag;
    const behind = entries.filter(({ position }) => position.seq > from.seq);
    const [next] = behind;
    const isEnd = from.seq === head.seq && hasTag(head.tag);
    const isFollowed = next?.position.seq === from.seq + 1 && hasTag(next.previousTag);
    const isKnown = from.epoch === epoch || this.#fault === "epochs not compared";
    if (isKnown && (isEnd || isFollowed)) return { list: behind, isContinuous: true };
    return { list: entries, isContinuous: this.#fault === "always continuous" };
  }
}

function emptyLog(epoch: string): Log {
  return { epoch, entries: [], head: { epoch, seq: 0, tag: "" }, ids: new Map() };
}

function random(): string {
  return randomBytes(9).toString("base64url");
}
