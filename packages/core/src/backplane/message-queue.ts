import type { BackplaneMessage } from "../backplane.ts";

/** Messages in order. To take the first one costs the same however many follow it. */
export class MessageQueue {
  #messages: (BackplaneMessage | undefined)[];
  /** Where the first one is that was not taken. */
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
    // What was taken must not stay in memory, nor the rest be moved at every message.
    this.#messages[this.#head++] = undefined;
    if (this.length === 0 || (this.#head > 1_024 && this.#head * 2 > this.#messages.length)) {
      this.#messages = this.#messages.slice(this.#head);
      this.#head = 0;
    }
    return first;
  }
}
