import { Message } from "../message.ts";

/** A call that runs alone: `open`, `drain`, `error`, `close`. */
export type ExclusiveCall = () => unknown;

export interface HookQueueOptions {
  /** How many messages may be handled at once. */
  readonly concurrency: number;
  /** How many messages, and bytes of them, may wait before `pause` is called. */
  readonly maxQueuedMessages: number;
  readonly maxQueuedBytes: number;
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
  readonly #options: HookQueueOptions;
  #waiting: (Message | ExclusiveCall)[] = [];
  /** Where in `#waiting` the next call is: shifting an array of thousands would cost each time. */
  #next = 0;
  /** The size of the waiting messages. */
  #bytes = 0;
  #running = 0;
  #isExclusive = false;
  #isPaused = false;

  constructor(options: HookQueueOptions) {
    this.#options = options;
  }

  push(call: Message | ExclusiveCall): void {
    if (this.#next === this.#waiting.length && this.#mayStart(call)) {
      this.#start(call);
      this.#startWaiting();
      return;
    }
    this.#waiting.push(call);
    if (call instanceof Message) this.#bytes += call.byteLength;
    if (!this.#isPaused && this.#fullness >= 1) {
      this.#isPaused = true;
      this.#options.pause();
    }
  }

  /** Forgets the messages that wait; the exclusive calls stay. */
  discardMessages(): void {
    this.#waiting = this.#waiting.slice(this.#next).filter((call) => !(call instanceof Message));
    this.#next = 0;
    this.#bytes = 0;
    this.#resumeWhenShort();
  }

  /** 1: as much waits as may. */
  get #fullness(): number {
    const { maxQueuedMessages, maxQueuedBytes } = this.#options;
    return Math.max((this.#waiting.length - this.#next) / maxQueuedMessages, this.#bytes / maxQueuedBytes);
  }

  #mayStart(call: Message | ExclusiveCall): boolean {
    if (this.#isExclusive) return false;
    return this.#running < (call instanceof Message ? this.#options.concurrency : 1);
  }

  #startWaiting(): void {
    while (this.#next < this.#waiting.length) {
      const call = this.#waiting[this.#next] as Message | ExclusiveCall;
      if (!this.#mayStart(call)) return;
      this.#next++;
      if (call instanceof Message) this.#bytes -= call.byteLength;
      if (this.#next === this.#waiting.length) {
        this.#waiting = [];
        this.#next = 0;
      }
      this.#start(call);
      this.#resumeWhenShort();
    }
  }

  #start(call: Message | ExclusiveCall): void {
    this.#running++;
    if (!(call instanceof Message)) this.#isExclusive = true;
    let result: unknown;
    try {
      result = call instanceof Message ? this.#options.handle(call) : call();
    } catch (error) {
      result = this.#options.fail(error);
    }
    if (isThenable(result)) Promise.resolve(result).then(this.#settle, this.#reject);
    else this.#finish();
  }

  #finish(): void {
    this.#running--;
    this.#isExclusive = false;
  }

  readonly #settle = (): void => {
    this.#finish();
    this.#startWaiting();
  };

  readonly #reject = (error: unknown): void => {
    const result = this.#options.fail(error);
    if (isThenable(result)) Promise.resolve(result).then(this.#settle, this.#settle);
    else this.#settle();
  };

  #resumeWhenShort(): void {
    if (!this.#isPaused || this.#fullness > 0.5) return;
    this.#isPaused = false;
    this.#options.resume();
  }
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
