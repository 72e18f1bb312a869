import { Message } from "../message.ts";
import { isThenable } from "../promises.ts";

/** A call that runs alone: `open`, `drain`, `error`, `close`. */
export type ExclusiveCall = () => unknown;

/** The list that all queues share in which nothing waits. Never written to. */
const none: never[] = [];

/** The most calls that have been made already and stay at the front of a list. */
const maxMade = 32;

/** Whose hooks are called. */
export interface HookQueueOwner {
  readonly options: {
    /** How many messages may be handled at once. */
    readonly concurrency: number;
    /** How many messages, and bytes of them, may wait before `pause` is called. */
    readonly maxQueuedMessages: number;
    readonly maxQueuedBytes: number;
  };
  /** Calls the `message` hook. */
  handle(message: Message): unknown;
  /** Takes what a hook threw or rejected with. Never throws; a promise it returns never rejects. */
  fail(error: unknown): unknown;
  /** Stops and resumes the reading of the socket. */
  pause(): void;
  resume(): void;
}

/**
 * Calls the hooks of one peer in order, each after the one before has settled. A hook that returns no promise costs
 * none, and one that comes while nothing runs is called at once.
 */
export class HookQueue {
  readonly #owner: HookQueueOwner;
  #waiting: (Message | ExclusiveCall | undefined)[] = none;
  /** Where in `#waiting` the next call is: shifting an array of thousands would cost each time. Those before it are undefined. */
  #next = 0;
  /** How many messages wait, and their size: calls of other hooks are the server's own, and no reason not to read. */
  #messages = 0;
  #bytes = 0;
  #running = 0;
  #isExclusive = false;
  /** `paused` until the list is shorter. */
  #reading: "on" | "paused" | "stopped" = "on";

  constructor(owner: HookQueueOwner) {
    this.#owner = owner;
  }

  push(call: Message | ExclusiveCall): void {
    if (this.#next === this.#waiting.length && this.#mayStart(call)) {
      this.#start(call);
      this.#startWaiting();
      return;
    }
    if (this.#waiting === none) this.#waiting = [];
    this.#waiting.push(call);
    if (!(call instanceof Message)) return;
    this.#messages++;
    this.#bytes += call.byteLength;
    if (this.#reading === "on" && this.#fullness >= 1) {
      this.#reading = "paused";
      this.#owner.pause();
    }
  }

  /** Pauses for good: what waits is handled, and nothing more comes. */
  stopReading(): void {
    this.#reading = "stopped";
    this.#owner.pause();
  }

  /** Forgets the messages that wait; the exclusive calls stay. */
  discardMessages(): void {
    this.#waiting = this.#waiting.slice(this.#next).filter((call) => !(call instanceof Message));
    this.#next = 0;
    this.#messages = 0;
    this.#bytes = 0;
    this.#resumeWhenShort();
  }

  /** Whether nothing runs or waits. */
  get isIdle(): boolean {
    return this.#running === 0 && this.#next === this.#waiting.length && this.#reading === "on";
  }

  /** The messages that wait, in their order. */
  get waitingMessages(): Message[] {
    return this.#waiting.slice(this.#next).filter((call) => call instanceof Message);
  }

  /** Takes a message out, if it waits. */
  remove(message: Message): void {
    const index = this.#waiting.indexOf(message, this.#next);
    if (index < 0) return;
    this.#waiting.splice(index, 1);
    this.#messages--;
    this.#bytes -= message.byteLength;
    this.#resumeWhenShort();
  }

  /** 1 when as much waits as is allowed. */
  get #fullness(): number {
    const { maxQueuedMessages, maxQueuedBytes } = this.#owner.options;
    return Math.max(this.#messages / maxQueuedMessages, this.#bytes / maxQueuedBytes);
  }

  #mayStart(call: Message | ExclusiveCall): boolean {
    if (this.#isExclusive) return false;
    return this.#running < (call instanceof Message ? this.#owner.options.concurrency : 1);
  }

  #startWaiting(): void {
    while (this.#next < this.#waiting.length) {
      const call = this.#waiting[this.#next] as Message | ExclusiveCall;
      if (!this.#mayStart(call)) return;
      this.#takeNext();
      if (call instanceof Message) {
        this.#messages--;
        this.#bytes -= call.byteLength;
      }
      this.#start(call);
      this.#resumeWhenShort();
    }
  }

  /** With a peer that always has messages waiting the list never becomes empty, so calls that have been made are cut off. */
  #takeNext(): void {
    this.#waiting[this.#next] = undefined;
    this.#next++;
    if (this.#next === this.#waiting.length) {
      this.#waiting = none;
      this.#next = 0;
    } else if (this.#next > maxMade && this.#next * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#next);
      this.#next = 0;
    }
  }

  #start(call: Message | ExclusiveCall): void {
    this.#running++;
    if (!(call instanceof Message)) this.#isExclusive = true;
    let result: unknown;
    try {
      result = call instanceof Message ? this.#owner.handle(call) : call();
      // A `then` can be a getter that throws.
      if (!isThenable(result)) result = undefined;
    } catch (error) {
      result = this.#owner.fail(error);
    }
    if (result === undefined) this.#finish();
    else this.#await(result as PromiseLike<unknown>);
  }

  #finish(): void {
    this.#running--;
    this.#isExclusive = false;
  }

  #await(result: PromiseLike<unknown>): void {
    Promise.resolve(result).then(
      () => this.#settle(),
      (error: unknown) => {
        const failed = this.#owner.fail(error);
        if (isThenable(failed)) this.#await(failed);
        else this.#settle();
      },
    );
  }

  #settle(): void {
    this.#finish();
    this.#startWaiting();
  }

  #resumeWhenShort(): void {
    if (this.#reading !== "paused" || this.#fullness > 0.5) return;
    this.#reading = "on";
    this.#owner.resume();
  }
}
