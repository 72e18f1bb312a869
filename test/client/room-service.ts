import { setTimeout as sleep } from "node:timers/promises";
import { type Client, connect } from "@spry-ws/client";
import { defineContract } from "@spry-ws/contract";
import type { ClientFrame, Presence } from "@spry-ws/contract/wire";
import { z } from "zod";
import { FakeSocket } from "./fake-socket.ts";

export const contract = defineContract({
  topics: { room: { message: z.string(), history: true, presence: z.number() } },
});

class Socket extends FakeSocket {
  isSubscribed = false;
  isLooking = false;
}

/** A service with one topic that has members, and one client. What is under way comes with `arrive`, or is lost with `cut`. */
export class RoomService {
  readonly members = new Map<string, number>();
  /** What has come from the client, on all connections. */
  readonly heard: ClientFrame[] = [];
  /** Only the number is sent of more members. */
  maxMembers = 1_000;
  /** How many members are in one frame of a list. */
  partSize = 3;
  isRefusing = false;
  readonly #WebSocket: new () => Socket;
  #socket: Socket = new Socket();
  /** Whether the client was sent the names. */
  #isNaming = false;

  constructor() {
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
  connect(): Client<typeof contract> {
    return connect<typeof contract>("ws://room", {
      WebSocket: this.#WebSocket as never,
      firstDelayMs: 1,
      maxDelayMs: 1,
    });
  }

  /** The kinds of the frames that have come, with what they say besides the topic. */
  get kinds(): string {
    return this.heard.map(([kind, , ...rest]) => (kind === "h" ? "h" : [kind, ...rest].join(""))).join(" ");
  }

  set(key: string, data: number): void {
    this.members.set(key, data);
    this.#changed({ set: [[key, data]] });
  }

  delete(key: string): void {
    this.members.delete(key);
    this.#changed({ gone: [key] });
  }

  /** The connection is lost, and with it all that is under way. */
  cut(): void {
    if (this.#socket.readyState !== 1) return;
    this.#socket.readyState = 3;
    this.#socket.onclose?.({ code: 1006, reason: "" });
  }

  /** All that is under way arrives, and what follows from it. */
  async arrive(): Promise<void> {
    do {
      await sleep(2);
      this.hear();
      this.tell(Infinity);
    } while (this.#socket.readyState !== 1 || this.#socket.up.length + this.#socket.down.length > 0);
  }

  /** What is under way to the service comes. */
  hear(): void {
    const socket = this.#socket;
    if (socket.readyState !== 1) return;
    for (const frame of socket.up.splice(0)) {
      this.heard.push(frame);
      if (frame[0] === "h") {
        socket.down.push(["h", "peer", 60_000]);
        if (frame[2].length > 0) this.#subscribe();
      }
      if (frame[0] === "s") this.#subscribe();
      if (frame[0] === "u") socket.isSubscribed = socket.isLooking = false;
      if (frame[0] !== "p" || !socket.isSubscribed) continue;
      socket.isLooking = frame[2] === 1;
      this.#sendAll();
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

  #subscribe(): void {
    this.#socket.isSubscribed = !this.isRefusing;
    this.#socket.down.push(["s", "room", this.isRefusing ? "refused" : "live", "e1.0."]);
  }

  #changed(change: Omit<Presence, "count">): void {
    if (this.members.size > this.maxMembers) {
      this.#isNaming = false;
      this.#send({});
    } else if (this.#isNaming) this.#send(change);
    else this.#sendAll();
  }

  #sendAll(): void {
    this.#isNaming = this.members.size <= this.maxMembers;
    if (!this.#isNaming) {
      this.#send({});
      return;
    }
    const all = [...this.members];
    for (let from = 0; from === 0 || from < all.length; from += this.partSize)
      this.#send({ all: all.slice(from, from + this.partSize), from });
  }

  #send(change: Omit<Presence, "count">): void {
    if (!this.#socket.isLooking) return;
    this.#socket.down.push(["P", "room", { count: this.members.size, ...change }]);
  }
}
