import type { Intervals } from "./intervals.ts";
import { LocalMembers } from "./local-members.ts";
import { type MemberValue, valueFrom } from "./member-value.ts";
import { Membership } from "./membership.ts";
import { OtherProcesses } from "./other-processes.ts";
import { OwnState } from "./own-state.ts";
import { decodeProcessMessage, type ProcessMessage } from "./process-messages.ts";

/** What a topic needs of whoever has it: time, and a way to the other processes. */
export interface TopicOwner {
  readonly intervals: Intervals;
  /** At random: one that nobody else has, in this process or elsewhere. */
  newId(): string;
  /** Monotonic, in milliseconds. */
  now(): number;
  /** The time of day, in milliseconds: of two who know nothing of each other the later one is told apart by it, as far as it is right. */
  wallClock(): number;
  /** Brings a message to all other processes that follow the topic. */
  send(text: string): void;
  /** Something is to be told: `flush` is to be called soon. */
  changed(): void;
  /** Takes the errors of listeners. */
  report(error: unknown): void;
}

/**
 * Who is present in one topic, as this process knows it. It has no timers of its own, and does nothing that is not called.
 *
 * Each process alone says who is present there, in numbered diffs, and that it is there, in heartbeats with the last number. Who misses
 * a number asks for the whole. Who is silent for too long has gone, with all its members. A member of several processes is one: nothing
 * is merged but what is shown.
 */
export class TopicPresence {
  readonly membership: Membership;
  readonly #owner: TopicOwner;
  #local!: LocalMembers;
  #own!: OwnState;
  readonly #others: OtherProcesses;
  /** The highest that was seen in this topic. */
  #stamp = 0;
  #tickedAt: number;
  /** Until when the others have time to say that they are there; undefined until they have been asked. */
  #settledAt: number | undefined;
  readonly #openedAt: number;
  #isReady = false;
  #waiting: (() => void)[] = [];

  constructor(owner: TopicOwner) {
    this.#owner = owner;
    this.membership = new Membership((error) => owner.report(error));
    this.#begin();
    this.#others = new OtherProcesses(
      { changed: (key, value) => this.#changedElsewhere(key, value) },
      owner.intervals,
    );
    this.#openedAt = owner.now();
    this.#tickedAt = this.#openedAt;
  }

  /** How many members are there in this process. */
  get localMembers(): number {
    return this.#local.size;
  }

  /** How many other processes have said that they are there. */
  get otherProcesses(): number {
    return this.#others.size;
  }

  /** Whether anybody is present here, or listens. */
  get isUsed(): boolean {
    return this.#local.size > 0 || this.membership.hasListeners;
  }

  /** Whether nobody is connected here, and nobody listens: members who may come back are kept, and what is known of others. */
  get isIdle(): boolean {
    return !this.#local.areConnected && !this.membership.hasListeners;
  }

  /** A connection has joined, or has other data. */
  set(connection: object, key: string, json: string | undefined): void {
    this.#stamp = Math.max(this.#stamp + 1, this.#owner.wallClock());
    this.#local.set(connection, key, valueFrom(this.#stamp, json));
  }

  keyOf(connection: object): string | undefined {
    return this.#local.keyOf(connection);
  }

  /** @param graceMs for how long the member stays if this was its last connection */
  leave(connection: object, graceMs: number): void {
    this.#local.leave(connection, graceMs > 0 ? this.#owner.now() + graceMs : undefined);
  }

  /** From here on this process hears the others: asks who is there. @param settleMs how long they have to answer */
  hello(settleMs: number): void {
    this.#send(["h", this.#own.id]);
    this.#settledAt ??= this.#owner.now() + settleMs;
    this.#checkReady();
  }

  /** Resolves when the others have answered, or have had time enough for it. */
  ready(): Promise<void> {
    if (this.#isReady) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** What another process, or this one, has sent. Anything else is ignored. */
  receive(text: string): void {
    const message = decodeProcessMessage(text);
    if (!message || message[1] === this.#own.id) return;
    const now = this.#owner.now();
    switch (message[0]) {
      case "h":
        this.#own.wantBeat();
        this.#owner.changed();
        return;
      case "a":
        if (!message[2].includes(this.#own.id)) return;
        this.#own.wantAll();
        this.#owner.changed();
        return;
      case "g":
        this.#adopt(message, now);
        return;
      default:
        if (this.#others.receive(message, now)) this.#owner.changed();
    }
  }

  /** Time has passed. */
  tick(): void {
    const now = this.#owner.now();
    const { beatMs, silenceMs } = this.#owner.intervals;
    const awayMs = now - this.#tickedAt;
    this.#tickedAt = now;
    // A process that was paused has heard nobody, and nobody has heard it.
    if (awayMs > beatMs) {
      this.#others.wasAway(now);
      this.#own.wantBeat();
      this.#send(["h", this.#own.id]);
    }
    this.#local.expire(now);
    this.#others.expire(now);
    // It says no more that it is there. What it says next is the first of another one: so nobody misses anything.
    if (this.#own.isForgotten(now, silenceMs)) this.#begin();
    this.#own.tick(now, beatMs);
    this.flush();
  }

  /** Tells what has changed, here and elsewhere. */
  flush(): void {
    const now = this.#owner.now();
    this.#own.flush(now);
    const toAsk = this.#others.toAsk(now);
    if (toAsk.length > 0) this.#send(["a", this.#own.id, toAsk]);
    this.membership.tell((key) => this.#others.latest(key, this.#own.id, this.#local.get(key)));
    this.#checkReady();
  }

  /**
   * This process ends: its members have the grace to come back elsewhere. It goes on as one that nobody is present in, for those who
   * still look.
   */
  end(graceMs: number): void {
    const now = this.#owner.now();
    this.#own.flush(now);
    if (this.#local.size > 0) {
      this.#send(["g", this.#own.id, graceMs, this.#others.heir ?? null]);
      this.#others.addEnded(this.#own.id, this.#local.values(), now + graceMs, now);
    }
    this.#begin();
  }

  /** It is followed no longer: those who may come back have left. */
  giveUp(): void {
    this.#local.expire(Number.POSITIVE_INFINITY);
    this.flush();
    this.close();
  }

  /** Nothing comes any more. */
  close(): void {
    this.#becomeReady();
  }

  /** From here on this is another process to the others, which has no members. */
  #begin(): void {
    const local = new LocalMembers((key) => {
      own.mark(key);
      this.#mark(key);
    });
    const own = new OwnState(this.#owner.newId(), local, (message) => this.#send(message));
    this.#local = local;
    this.#own = own;
  }

  #send(message: ProcessMessage): void {
    this.#owner.send(JSON.stringify(message));
  }

  #mark(key: string): void {
    this.membership.mark(key);
    this.#owner.changed();
  }

  #changedElsewhere(key: string, value: MemberValue | undefined): void {
    if (value) {
      this.#stamp = Math.max(this.#stamp, value.stamp);
      this.#local.cameBack(key, value.stamp, this.#owner.now() + this.#owner.intervals.handOverMs);
    }
    this.#mark(key);
  }

  /** A process ends. One of the others says from now on that its members are there, so that those who come later know of them. */
  #adopt([, id, graceMs, heir]: ProcessMessage & readonly ["g", ...unknown[]], now: number): void {
    const members = this.#others.ends(id, now + graceMs);
    if (graceMs === 0 || (heir !== null && heir !== this.#own.id)) return;
    for (const [key, value] of members) this.#local.adopt(key, value, now + graceMs);
  }

  #checkReady(): void {
    if (this.#isReady) return;
    const now = this.#owner.now();
    const isSettled = this.#settledAt !== undefined && now >= this.#settledAt && !this.#others.areBehind;
    if (!isSettled && now < this.#openedAt + this.#owner.intervals.maxSettleMs) return;
    this.#becomeReady();
  }

  #becomeReady(): void {
    this.#isReady = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
