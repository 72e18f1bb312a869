import { setTimeout as sleep } from "node:timers/promises";
import { type Client, connect } from "@spry-ws/client";
import { defineContract } from "@spry-ws/contract";
import type { ClientFrame } from "@spry-ws/contract/wire";
import { z } from "zod";
import { FakeSocket } from "./fake-socket.ts";

export const contract = defineContract({
  topics: {
    log: { message: z.number(), history: true, snapshot: z.number() },
  },
});

/** One message in a log. */
export interface Entry {
  readonly position: string;
  /** The position of the message before it. */
  readonly previous: string;
  /** Unique among all that were ever published. */
  readonly data: number;
}

/** The log of a topic, which can lose what logs can lose. */
export class Log {
  #epoch = 1;
  #published = 0;
  #kept: Entry[] = [];
  /** The position before the oldest message that is kept. */
  base = "e1.0.";
  /** All that was ever published, by position. */
  readonly ever = new Map<string, Entry>();

  get head(): string {
    return this.#kept.at(-1)?.position ?? this.base;
  }

  get newest(): number {
    return this.#published;
  }

  beforeLast(count: number): string {
    return (this.#kept.at(-count) ?? this.#kept[0])?.previous ?? this.base;
  }

  /** What follows a position, or undefined where something may be missing. */
  after(position: string): readonly Entry[] | undefined {
    if (position === this.base) return this.#kept;
    const at = this.#kept.findIndex((entry) => entry.position === position);
    return at < 0 ? undefined : this.#kept.slice(at + 1);
  }

  publish(count: number): void {
    for (let n = 0; n < count; n++) {
      const previous = this.head;
      const position = `e${this.#epoch}.${Number(previous.split(".")[1]) + 1}.t${++this.#published}`;
      const entry = { position, previous, data: this.#published };
      this.#kept.push(entry);
      this.ever.set(position, entry);
    }
  }

  /** The oldest are not kept any more. */
  trim(count: number): void {
    this.base = this.#kept.splice(0, count).at(-1)?.position ?? this.base;
  }

  /** The store comes back from an older copy: the newest are lost, and their numbers will be given to others. */
  rollBack(count: number): void {
    this.#kept.length = Math.max(0, this.#kept.length - count);
  }

  /** The store was emptied. */
  empty(): void {
    this.#kept = [];
    this.base = `e${++this.#epoch}.0.`;
  }
}

class Socket extends FakeSocket {
  /** How far the subscriber has got; undefined if there is none. */
  at: string | undefined;
}

/** A service with one durable topic and one client, of which each step is taken by the test. */
export class LogService {
  readonly log = new Log();
  readonly #WebSocket: new () => Socket;
  /** What has come from the client, on all connections. */
  readonly heard: ClientFrame[] = [];
  readonly #hasSnapshots: boolean;
  #socket: Socket = new Socket();

  constructor(hasSnapshots = false) {
    this.#hasSnapshots = hasSnapshots;
    const connected = (socket: Socket) => {
      this.#socket = socket;
      socket.openSoon();
    };
    this.#WebSocket = class extends Socket {
      constructor() {
        super();
        connected(this);
      }
    };
  }

  /** A client that comes back at once. */
  connect(maxItems: number): Client<typeof contract> {
    return connect<typeof contract>("ws://log", {
      WebSocket: this.#WebSocket as never,
      firstDelayMs: 1,
      maxDelayMs: 1,
      maxItems,
    });
  }

  /** Whether nothing is under way. */
  get isQuiet(): boolean {
    const { up, down, at } = this.#socket;
    return this.#isOpen && up.length + down.length === 0 && (at === undefined || at === this.log.head);
  }

  /** The positions of the answers to subscriptions that are under way. */
  get answersUnderWay(): string[] {
    return this.#socket.down.flatMap((frame) => (frame[0] === "s" ? [frame[3] as string] : []));
  }

  /** The connection is lost, and with it all that is under way. */
  cut(): void {
    if (!this.#isOpen) return;
    this.#socket.readyState = 3;
    this.#socket.onclose?.({ code: 1006, reason: "" });
  }

  /** All that is under way arrives, and what follows from it. */
  async arrive(): Promise<void> {
    do {
      await sleep(1);
      this.hear(Infinity);
      this.send(Infinity);
      this.tell(Infinity);
    } while (!this.isQuiet);
  }

  /** So many frames come to the service. */
  hear(count: number): void {
    if (!this.#isOpen) return;
    for (const frame of this.#socket.up.splice(0, count)) {
      this.heard.push(frame);
      if (frame[0] === "s") this.#subscribe(frame[2]);
      if (frame[0] === "u") this.#socket.at = undefined;
      if (frame[0] !== "h") continue;
      this.#socket.down.push(["h", "peer", 60_000]);
      for (const [, position] of frame[2]) this.#subscribe(position);
    }
  }

  /** So many messages go to the subscriber, as far as it is behind the log. */
  send(count: number): void {
    const socket = this.#socket;
    for (let n = 0; n < count && socket.at !== undefined && socket.at !== this.log.head; n++) {
      const behind = this.log.after(socket.at);
      socket.at = behind?.[0]?.position ?? this.log.base;
      const snapshot = this.#snapshot;
      socket.down.push(
        behind?.[0] ? ["m", "log", socket.at, behind[0].data] : ["g", "log", socket.at, ...snapshot],
      );
    }
  }

  /** So many frames come to the client. */
  tell(count: number): void {
    const socket = this.#socket;
    for (let n = 0; n < count && socket.readyState === 1; n++) {
      const frame = socket.down.shift();
      if (!frame) return;
      socket.onmessage?.({ data: JSON.stringify(frame) });
    }
  }

  get #isOpen(): boolean {
    return this.#socket.readyState === 1;
  }

  /** It is of the time at which it is asked for. */
  get #snapshot(): [snapshot?: number] {
    return this.#hasSnapshots ? [this.log.newest] : [];
  }

  #subscribe(asked: string | null | undefined): void {
    const { log } = this;
    const [state, at, ...snapshot] = this.#answer(asked ?? undefined, log);
    this.#socket.at = at;
    // Where messages follow, they tell where they are.
    const isVague = asked === "start" || asked?.startsWith("last:");
    this.#socket.down.push([
      "s",
      "log",
      state,
      isVague && at !== log.head ? (asked ?? null) : at,
      ...snapshot,
    ]);
  }

  #answer(asked: string | undefined, log: Log): ["live" | "resumed" | "gap", string, snapshot?: number] {
    if (asked === undefined) return ["live", log.head, ...this.#snapshot];
    if (asked === "start") return ["live", log.base];
    if (asked.startsWith("last:")) return ["live", log.beforeLast(Number(asked.slice(5)))];
    return log.after(asked) ? ["resumed", asked] : ["gap", log.base, ...this.#snapshot];
  }
}
