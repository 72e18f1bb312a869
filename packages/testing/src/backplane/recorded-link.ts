import type { Backplane, BackplaneLink, BackplaneMessage } from "@spry-ws/core";
import { Changes } from "../changes.ts";

/** A message that contains the name of its topic. */
export function message(topic: string): BackplaneMessage {
  return { topic, data: Buffer.from(JSON.stringify(topic)) };
}

const endTopic = "end of what was published before";

/** A link whose events are recorded. */
export class RecordedLink {
  readonly backplane: Backplane;
  readonly link: BackplaneLink;
  readonly states: string[] = [];
  /** Events that no link may tell in these cases. */
  readonly problems: unknown[] = [];
  readonly #changes: Changes;
  #received: { topic: string; data: Uint8Array }[] = [];
  #isEnded = false;

  constructor(backplane: Backplane, timeoutMs: number) {
    this.backplane = backplane;
    this.#changes = new Changes(timeoutMs);
    this.link = backplane.open({
      message: (topic, data) => {
        this.#received.push({ topic, data });
        this.#note();
      },
      up: () => {
        this.states.push("up");
        this.#note();
      },
      down: (reason) => this.#note(reason),
      refused: (topics) => this.#note(new Error(`refused: ${[...topics.keys()]}`)),
      error: (error) => this.#note(error),
    });
  }

  /** From now on every event is a problem: a link that has been closed must not tell any. */
  expectSilence(): void {
    this.#isEnded = true;
  }

  up(): Promise<void> {
    return this.#until(() => this.states.length > 0, "up");
  }

  async next(): Promise<{ topic: string; data: Uint8Array }> {
    await this.#until(() => this.#received.length > 0, "a message");
    return this.#received.shift() as { topic: string; data: Uint8Array };
  }

  /** The messages that have come since the last call, in order, each as its topic and what its data say. */
  take(): [topic: string, text: unknown][] {
    const received = this.#received;
    this.#received = [];
    return received.map(({ topic, data }) => [topic, JSON.parse(Buffer.from(data).toString())]);
  }

  topics(): string[] {
    return this.take()
      .map(([topic]) => topic)
      .sort();
  }

  /** Publishes a last message, and waits until the others have it: then they also have everything that was published before it. */
  async publishEnd(others: readonly RecordedLink[]): Promise<void> {
    await Promise.all(others.map(({ link }) => link.subscribe([endTopic])));
    await this.link.publish([message(endTopic)]);
    for (const other of others) {
      const isEnd = ({ topic }: { topic: string }) => topic === endTopic;
      await other.#until(() => other.#received.some(isEnd), "the last message");
      other.#received = other.#received.filter((received) => !isEnd(received));
      await other.link.unsubscribe([endTopic]);
    }
  }

  #note(problem?: unknown): void {
    if (problem !== undefined) this.problems.push(problem);
    if (this.#isEnded) this.problems.push("it told something after it was closed");
    this.#changes.note();
  }

  #until(isTrue: () => boolean, what: string): Promise<void> {
    return this.#changes.until(isTrue, what, () => `problems: ${this.problems.map(String).join("; ")}`);
  }
}
