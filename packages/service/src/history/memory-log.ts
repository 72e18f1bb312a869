import type {
  HistoryAppend,
  HistoryEntry,
  HistoryPage,
  HistoryPosition,
  HistoryRead,
  HistoryRetention,
} from "@spry-ws/core";
import { Fifo } from "../fifo.ts";
import type { LogIds } from "./memory-ids.ts";
import { randomWord } from "./random-word.ts";

/** A message of a log in memory. */
export interface KeptMessage {
  readonly log: MemoryLog;
  /** When it was appended, as `performance.now()`. */
  readonly at: number;
  /** Undefined when it is not kept any more. */
  entry: HistoryEntry | undefined;
}

/** The log of one topic, in memory. */
export class MemoryLog {
  readonly topic: string;
  readonly #onDropped: (entry: HistoryEntry) => void;
  readonly #messages = new Fifo<KeptMessage>();
  readonly #ids: LogIds;
  /** Of the newest append. */
  #retention: HistoryRetention = { maxMessages: 1, maxAgeMs: 1 };
  #head: HistoryPosition;
  /** The message in front of the oldest that is kept: who has got it misses nothing. */
  #before: HistoryPosition;

  /** @param onDropped told of each message that is not kept any more */
  constructor(topic: string, epoch: string, ids: LogIds, onDropped: (entry: HistoryEntry) => void) {
    this.topic = topic;
    this.#ids = ids;
    this.#onDropped = onDropped;
    this.#head = { epoch, seq: 0, tag: "" };
    this.#before = this.#head;
  }

  /** The newest message, kept or not. */
  get head(): HistoryPosition {
    return this.#head;
  }

  /** Where the message with this id is, if it is remembered. */
  find(id: string, now: number): HistoryPosition | undefined {
    return this.#ids.find(id, now);
  }

  append(
    { data, id, idWindowMs, retention }: HistoryAppend,
    now: number,
  ): KeptMessage & { readonly entry: HistoryEntry } {
    const position = { epoch: this.#head.epoch, seq: this.#head.seq + 1, tag: randomWord() };
    // A copy: the caller may change its bytes.
    const message = { log: this, at: now, entry: { position, data: new Uint8Array(data) } };
    this.#head = position;
    this.#ids.add(id, position, now + idWindowMs);
    this.#messages.push(message);
    this.#retention = retention;
    this.expire(now);
    return message;
  }

  /** Drops what is not to be kept any more. */
  expire(now: number): void {
    const { maxMessages, maxAgeMs } = this.#retention;
    for (let first = this.#messages.first; first; first = this.#messages.first) {
      if (this.#messages.length <= maxMessages && first.at > now - maxAgeMs) break;
      this.dropFirst();
    }
    this.#ids.expire(now);
  }

  dropFirst(): void {
    const first = this.#messages.shift();
    if (!first?.entry) return;
    this.#before = first.entry.position;
    this.#onDropped(first.entry);
    first.entry = undefined;
  }

  /** Nobody uses it any more. */
  dropAll(): void {
    while (this.#messages.length > 0) this.dropFirst();
    this.#ids.clear();
  }

  read({ from, maxMessages, maxBytes }: HistoryRead): HistoryPage {
    const found = this.#indexOf(from);
    const entries: HistoryEntry[] = [];
    let bytes = 0;
    for (let next = this.#at(found ?? 0); next; next = this.#at((found ?? 0) + entries.length)) {
      bytes += next.data.length;
      if (entries.length > 0 && (entries.length >= maxMessages || bytes > maxBytes)) break;
      entries.push(next);
    }
    const hasMore = (found ?? 0) + entries.length < this.#messages.length;
    return { entries, isContinuous: found !== undefined, head: this.#head, hasMore };
  }

  #at(index: number): HistoryEntry | undefined {
    return this.#messages.at(index)?.entry;
  }

  /** The index of the first message behind a position. Undefined if messages may be missing between. */
  #indexOf(from: HistoryRead["from"]): number | undefined {
    if (from === "start") return 0;
    if ("last" in from) return Math.max(0, this.#messages.length - from.last);
    const index = from.seq - this.#before.seq;
    if (index < 0) return undefined;
    const at = index === 0 ? this.#before : this.#at(index - 1)?.position;
    return at?.epoch === from.epoch && at.tag === from.tag ? index : undefined;
  }
}
