import type { Message } from "@spry-ws/core";
import { clearTimeout, startTimer } from "./clock.ts";
import { preview } from "./errors.ts";

/** How waiting for a message has ended. */
export type Arrival = Message | "timeout" | "end";

const remembered = 5;

/** Queues the messages of a connection, in order. Each goes to one reader. */
export class Inbox {
  readonly unread: Message[] = [];
  readonly #readers: ((arrival: Message | "end") => void)[] = [];
  /** The messages that came last, read or not, for the text of errors. */
  readonly #last: Message[] = [];
  #count = 0;
  #hasEnded = false;

  push(message: Message): void {
    this.#count++;
    this.#last.push(message);
    if (this.#last.length > remembered) this.#last.shift();
    const reader = this.#readers.shift();
    if (reader) reader(message);
    else this.unread.push(message);
  }

  /** No more messages will come; those that came can still be read. */
  end(): void {
    this.#hasEnded = true;
    for (const reader of this.#readers.splice(0)) reader("end");
  }

  /** The next message. Never rejects. */
  next(timeoutMs: number): Promise<Arrival> {
    const message = this.unread.shift();
    if (message) return Promise.resolve(message);
    if (this.#hasEnded) return Promise.resolve("end");
    return new Promise((resolve) => {
      const reader = (arrival: Arrival): void => {
        clearTimeout(timer);
        resolve(arrival);
      };
      this.#readers.push(reader);
      const timer = startTimer(() => {
        this.#readers.splice(this.#readers.indexOf(reader), 1);
        reader("timeout");
      }, timeoutMs);
    });
  }

  /** For the text of an error: `nothing had come before`, or the messages that had. */
  describe(): string {
    if (this.#count === 0) return "nothing had come before";
    const last = this.#last.map(describeMessage).join(", ");
    const text = this.#count === 1 ? "1 message had" : `${this.#count} messages had`;
    return `${text} come before${this.#count > remembered ? `, the last ${remembered}` : ""}: ${last}`;
  }
}

/** A message in the text of an error. */
export function describeMessage(message: Message): string {
  if (message.isText) return JSON.stringify(preview(message.text()));
  const bytes = Buffer.from(message.bytes());
  return `binary <${preview(bytes.toString("hex"))}> (${bytes.length} bytes)`;
}
