import type { BackplaneMessage } from "../backplane.ts";

/** A queue of messages. Taking the first one costs the same however many follow it. */
export class MessageQueue {
  #messages: (BackplaneMessage | undefined)[];
  /** The index of the first message that has not been taken. */
  #head = 0;

  constructor(messages: readonly BackplaneMessage[] = []) {
    this.#messages = [...messages];
  }

  get length(): number {
    return this.#messages.length - this.#head;
  }

  push(message: BackplaneMessage): void {
    this.#messages.push(message);
  }

  shift(): BackplaneMessage | undefined {
    const first = this.#messages[this.#head];
    if (!first) return undefined;
    // A message that was taken must not stay in memory, and the rest must not be moved for every message.
    this.#messages[this.#head++] = undefined;
    if (this.length === 0 || (this.#head > 1_024 && this.#head * 2 > this.#messages.length)) {
      this.#messages = this.#messages.slice(this.#head);
      this.#head = 0;
    }
    return first;
  }
}
