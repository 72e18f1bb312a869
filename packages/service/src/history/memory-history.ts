import type {
  History,
  HistoryAppend,
  HistoryEntry,
  HistoryEvents,
  HistoryLink,
  HistoryPosition,
} from "@spry-ws/core";
import { createError, notAppended } from "@spry-ws/core/adapter";
import { Fifo } from "../fifo.ts";
import { LogIds, MemoryIds } from "./memory-ids.ts";
import { type KeptMessage, MemoryLog } from "./memory-log.ts";
import { randomWord } from "./random-word.ts";

/** The options of `memoryHistory(options)`. */
export interface MemoryHistoryOptions {
  /**
   * How many topics are remembered. Beyond that, those are forgotten that nothing was published to for the longest time and nobody is
   * subscribed to: a subscriber who comes back to one of them is told of a gap.
   * @default 100_000
   */
  maxTopics?: number;
  /**
   * How many bytes are kept, in all topics together; beyond that the oldest messages are dropped, whatever the retention of their topic.
   * A message counts 200 bytes besides its own.
   * @default 268_435_456 // 256 MiB
   */
  maxBytes?: number;
  /**
   * How many ids of messages are remembered, in all topics together, each for two minutes; beyond that the oldest are forgotten: a message
   * that is published again under one of them is stored twice. An id takes about 300 bytes, which are not counted in `maxBytes`.
   * @default 250_000
   */
  maxIds?: number;
}

/** What a message takes besides its bytes. */
const messageBytes = 200;

/** How often what has become too old is dropped from topics that nobody uses. */
const sweepMs = 30_000;

/**
 * Keeps durable topics in the memory of this process: for one process, for development and for tests. What is kept is lost with the
 * process: subscribers who come back to the next one are told of a gap. Give the same one to several services, and they share
 * their topics.
 *
 * @throws TypeError `SPRY_WS_OPTION` for an unknown option, or one that is not a whole number from 1
 * @example
 * createService(spry, chat, { history: memoryHistory(), … });
 */
export function memoryHistory(options: MemoryHistoryOptions = {}): History {
  const { maxTopics = 100_000, maxBytes = 268_435_456, maxIds = 250_000, ...others } = options;
  for (const name of Object.keys(others))
    throw createError("SPRY_WS_OPTION", `memoryHistory(options): there is no option "${name}"`);
  for (const [name, value] of Object.entries({ maxTopics, maxBytes, maxIds }))
    if (!Number.isSafeInteger(value) || value < 1)
      throw createError("SPRY_WS_OPTION", `memoryHistory(options): "${name}" must be a whole number from 1`);
  const store = new MemoryStore(maxTopics, maxBytes, maxIds);
  return { name: "memory", open: (events) => openLink(store, events) };
}

function openLink(store: MemoryStore, events: HistoryEvents): HistoryLink {
  let isOpen = true;
  const reached = async <T>(work: () => T): Promise<T> => {
    if (!isOpen) throw notAppended("the link is closed");
    return work();
  };
  queueMicrotask(() => isOpen && events.up());
  return {
    append: (topic, message) => reached(() => store.append(topic, message)),
    read: (topic, what) => reached(() => (store.find(topic) ?? store.unused(topic)).read(what)),
    heads: (topics) => reached(() => topics.map((topic) => (store.find(topic) ?? store.unused(topic)).head)),
    subscribe: (topics) => reached(() => store.subscribe(events, topics)),
    unsubscribe: (topics) => reached(() => store.unsubscribe(events, topics)),
    async close() {
      isOpen = false;
      store.leave(events);
    },
  };
}

/** All logs of one `memoryHistory()`. */
class MemoryStore {
  readonly #maxTopics: number;
  readonly #maxBytes: number;
  readonly #ids: MemoryIds;
  /** The topic that was appended to last is at the end. Those that are subscribed to stay here, and keep their epochs. */
  readonly #logs = new Map<string, MemoryLog>();
  readonly #subscribers = new Map<string, Set<HistoryEvents>>();
  /** All messages, oldest first, and some that are not kept any more. */
  readonly #order = new Fifo<KeptMessage>();
  #count = 0;
  #bytes = 0;
  /** Of the topics that are not among the logs. A topic that was forgotten is a new log when it comes back. */
  #epoch = randomWord();
  #untold: { readonly topic: string; readonly entry: HistoryEntry; readonly previousSeq: number }[] = [];
  #sweeper: NodeJS.Timeout | undefined;

  constructor(maxTopics: number, maxBytes: number, maxIds: number) {
    this.#maxTopics = maxTopics;
    this.#maxBytes = maxBytes;
    this.#ids = new MemoryIds(maxIds);
  }

  find(topic: string): MemoryLog | undefined {
    const log = this.#logs.get(topic);
    log?.expire(performance.now());
    return log;
  }

  /** The log of a topic that is not among them. */
  unused(topic: string): MemoryLog {
    return new MemoryLog(topic, this.#epoch, new LogIds(this.#ids), this.#onDropped);
  }

  append(topic: string, append: HistoryAppend): HistoryPosition {
    const now = performance.now();
    const log = this.#logs.get(topic) ?? this.unused(topic);
    const known = log.find(append.id, now);
    if (known) return known;
    this.#logs.delete(topic);
    this.#logs.set(topic, log);
    const previousSeq = log.head.seq;
    // In front of the append, which may drop others, even its own.
    this.#count++;
    this.#bytes += append.data.length + messageBytes;
    const message = log.append(append, now);
    this.#order.push(message);
    const { entry } = message;
    this.#tell(topic, entry, previousSeq);
    this.#bound();
    this.#sweeper ??= setInterval(() => this.#sweep(), sweepMs).unref();
    return entry.position;
  }

  subscribe(events: HistoryEvents, topics: readonly string[]): void {
    for (const topic of topics) {
      if (!this.#logs.has(topic)) this.#logs.set(topic, this.unused(topic));
      const subscribers = this.#subscribers.get(topic);
      if (subscribers) subscribers.add(events);
      else this.#subscribers.set(topic, new Set([events]));
    }
  }

  unsubscribe(events: HistoryEvents, topics: Iterable<string>): void {
    for (const topic of topics) {
      const subscribers = this.#subscribers.get(topic);
      subscribers?.delete(events);
      if (subscribers?.size !== 0) continue;
      this.#subscribers.delete(topic);
      if (this.#logs.get(topic)?.head.seq === 0) this.#logs.delete(topic);
    }
  }

  leave(events: HistoryEvents): void {
    this.unsubscribe(events, this.#subscribers.keys());
  }

  /** Tells the subscribers when the work of this turn is done: a publisher's own comes first, and the order is that of the log. */
  #tell(topic: string, entry: HistoryEntry, previousSeq: number): void {
    if (!this.#subscribers.has(topic)) return;
    if (this.#untold.push({ topic, entry, previousSeq }) > 1) return;
    queueMicrotask(() => {
      const untold = this.#untold;
      this.#untold = [];
      for (const { topic, entry, previousSeq } of untold)
        for (const events of this.#subscribers.get(topic) ?? []) events.appended(topic, entry, previousSeq);
    });
  }

  #bound(): void {
    while (this.#bytes > this.#maxBytes && this.#order.length > 0) {
      const oldest = this.#order.shift();
      if (oldest?.entry) oldest.log.dropFirst();
    }
    if (this.#order.length > 2 * this.#count + 1_000) this.#order.filter(({ entry }) => entry !== undefined);
    // Two, as the first may be one that stays, and an append adds one.
    for (let looks = 0; looks < 2 && this.#logs.size > this.#maxTopics; looks++) this.#forgetFirst();
  }

  #forgetFirst(): void {
    const [first] = this.#logs;
    if (!first) return;
    const [topic, log] = first;
    this.#logs.delete(topic);
    if (this.#subscribers.has(topic)) {
      this.#logs.set(topic, log);
      return;
    }
    log.dropAll();
    this.#epoch = randomWord();
  }

  readonly #onDropped = ({ data }: HistoryEntry): void => {
    this.#count--;
    this.#bytes -= data.length + messageBytes;
  };

  #sweep(): void {
    const now = performance.now();
    for (const log of this.#logs.values()) log.expire(now);
    if (this.#count === 0) this.#order.clear();
    if (this.#count > 0 || this.#ids.count > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }
}
