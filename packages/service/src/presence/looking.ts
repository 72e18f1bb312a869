import { setTimeout as sleep } from "node:timers/promises";
import { Allowance } from "../history/allowance.ts";
import type { Audience, Looker } from "./audience.ts";
import type { PresenceFrame } from "./frames.ts";

/** Who is sent it: one connection of a client. */
export interface LookingPeer {
  readonly isOpen: boolean;
  /** @returns false if it is not sent, as too much waits to be sent already: `drained` tells when it may be */
  offer(message: PresenceFrame["message"]): boolean;
  drained(): Promise<void>;
}

/** What is not sent yet of one topic, to one connection. All that is kept for one that reads slowly are the keys of what has changed. */
class Look implements Looker {
  readonly audience: Audience;
  readonly #looking: Looking;
  /** Frames that were begun with: a list that is half sent is sent to its end. */
  readonly unsent: PresenceFrame[] = [];
  readonly #missed = new Set<string>();
  #needsAll = true;

  constructor(audience: Audience, looking: Looking) {
    this.audience = audience;
    this.#looking = looking;
  }

  changed(keys: readonly string[], frames: readonly PresenceFrame[]): void {
    if (this.#needsAll) return;
    const isLive = this.unsent.length === 0 && this.#missed.size === 0;
    if (isLive && frames.every(({ message }) => this.#looking.peer.offer(message))) return;
    for (const key of keys) this.#missed.add(key);
    if (this.#missed.size > this.audience.size) this.#missAll();
    this.#looking.send(this);
  }

  renewed(): void {
    this.#missAll();
    this.#looking.send(this);
  }

  /** What comes next; undefined if nothing is left, or nothing is known yet. */
  next(): PresenceFrame | undefined {
    if (this.unsent.length === 0 && this.audience.isReady) this.unsent.push(...this.#take());
    return this.unsent[0];
  }

  #missAll(): void {
    this.#missed.clear();
    this.#needsAll = true;
  }

  #take(): readonly PresenceFrame[] {
    const frames = this.#needsAll
      ? this.audience.all
      : this.#missed.size > 0
        ? this.audience.framesOf(this.#missed)
        : [];
    this.#needsAll = false;
    this.#missed.clear();
    return frames;
  }
}

/** The topics in which one connection wants to know who is there. It is sent as fast as it reads, and as much in a second as it may. */
export class Looking {
  readonly peer: LookingPeer;
  readonly #allowance: Allowance;
  readonly #open: (topic: string) => Audience;
  readonly #looks = new Map<string, Look>();
  /** Those of which something is not sent yet. */
  readonly #waiting = new Set<Look>();
  #isSending = false;

  constructor(peer: LookingPeer, bytesPerSecond: number, open: (topic: string) => Audience) {
    this.peer = peer;
    this.#allowance = new Allowance(bytesPerSecond);
    this.#open = open;
  }

  /** To look once more changes nothing. */
  look(topic: string): void {
    if (this.#looks.has(topic)) return;
    const look = new Look(this.#open(topic), this);
    this.#looks.set(topic, look);
    look.audience.add(look);
    this.send(look);
  }

  stop(topic: string): void {
    const look = this.#looks.get(topic);
    if (!look) return;
    this.#looks.delete(topic);
    this.#waiting.delete(look);
    look.audience.remove(look);
  }

  /** The connection has ended. */
  end(): void {
    for (const topic of [...this.#looks.keys()]) this.stop(topic);
  }

  /** Sends what is left of a topic, behind what is left of others. */
  send(look: Look): void {
    this.#waiting.add(look);
    if (!this.#isSending) void this.#sendAll();
  }

  /** Never rejects. */
  async #sendAll(): Promise<void> {
    this.#isSending = true;
    for (let look = this.#first; look; look = this.#first) {
      const frame = look.next();
      if (!frame) this.#waiting.delete(look);
      else if (this.peer.offer(frame.message)) {
        look.unsent.shift();
        const waitMs = this.#allowance.take(frame.byteLength);
        if (waitMs > 0) await sleep(waitMs);
      } else await this.peer.drained();
    }
    this.#isSending = false;
  }

  get #first(): Look | undefined {
    // Where it is closing, nothing is sent any more: `end` follows.
    if (!this.peer.isOpen) return undefined;
    const [first] = this.#waiting;
    return first;
  }
}
