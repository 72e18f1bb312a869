import { AsyncResource } from "node:async_hooks";
import { createError, describe } from "./errors.ts";
import { type Message, ownMessage, type Payload } from "./message.ts";
import { isThenable } from "./promises.ts";

/** What a process does with the messages of a topic. It may be async: what it throws or rejects with is reported. */
export type TopicListener = (message: Message) => void;

/** One call of `subscribe`: the same function may listen more than once. */
class Listening extends AsyncResource {
  readonly #listener: (message: Message) => unknown;
  isOn = true;

  constructor(listener: TopicListener) {
    super("spry-ws:listener");
    this.#listener = listener;
  }

  /** In the async context of `subscribe`: that of a publisher is there in one process only, and of no concern to the listener. */
  call(message: Message): unknown {
    return this.runInAsyncScope(this.#listener, undefined, message);
  }
}

/** The listeners of this process itself, by topic. */
export class TopicListeners {
  readonly #byTopic = new Map<string, Set<Listening>>();
  readonly #report: (error: unknown) => void;
  /** What is to be told still. While listeners are told of a message they may publish others, which come after it. */
  readonly #queue: [listening: Listening, message: Message][] = [];
  #isTelling = false;
  #isClosed = false;
  #size = 0;

  /** @param report takes what listeners throw or reject with. Never throws */
  constructor(report: (error: unknown) => void) {
    this.#report = report;
  }

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The topics with a listener. */
  get topics(): Iterable<string> {
    return this.#byTopic.keys();
  }

  has(topic: string): boolean {
    return this.#byTopic.has(topic);
  }

  /** @returns ends it, and returns whether that was the topic's last listener; undefined where it had been ended before */
  add(topic: string, listener: TopicListener): () => boolean | undefined {
    const listening = new Listening(listener);
    const listenings = this.#byTopic.get(topic);
    if (listenings) listenings.add(listening);
    else this.#byTopic.set(topic, new Set([listening]));
    this.#size++;
    return () => (listening.isOn ? this.#remove(topic, listening) : undefined);
  }

  /** Gives a message to all listeners of a topic, in the order of publishes. Each has a message of its own, which it may keep. */
  tell(topic: string, payload: Payload): void {
    const listenings = this.#byTopic.get(topic);
    if (!listenings) return;
    for (const listening of listenings) this.#queue.push([listening, ownMessage(payload)]);
    if (this.#isTelling) return;
    this.#isTelling = true;
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) this.#call(...next);
    this.#isTelling = false;
  }

  /** Ends all, and there are none from then on. */
  close(): void {
    this.#isClosed = true;
    for (const [topic, listenings] of this.#byTopic)
      for (const listening of listenings) this.#remove(topic, listening);
  }

  #remove(topic: string, listening: Listening): boolean {
    listening.isOn = false;
    this.#size--;
    const listenings = this.#byTopic.get(topic);
    listenings?.delete(listening);
    if (listenings?.size !== 0) return false;
    this.#byTopic.delete(topic);
    return true;
  }

  #call(listening: Listening, message: Message): void {
    if (!listening.isOn) return;
    try {
      const result = listening.call(message);
      if (isThenable(result)) Promise.resolve(result).then(undefined, this.#report);
    } catch (error) {
      this.#report(error);
    }
  }
}

/** @throws TypeError `SPRY_WS_OPTION` for what cannot be called */
export function assertListener(listener: unknown): asserts listener is TopicListener {
  if (typeof listener === "function") return;
  throw createError(
    "SPRY_WS_OPTION",
    `subscribe(topic, listener) takes a function that is called with each message, not ${describe(listener)}; to subscribe a ` +
      "client write peer.subscribe(topic)",
  );
}
