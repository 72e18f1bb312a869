import { randomUUID } from "node:crypto";
import type {
  History,
  HistoryAppend,
  HistoryLink,
  HistoryPage,
  HistoryPosition,
  HistoryRead,
} from "@spry-ws/core";

const timeoutMs = 15_000;

/** A link of a history whose events a test waits for, and that appends and reads text. */
export class WatchedHistory implements AsyncDisposable {
  readonly link: HistoryLink;
  /** Without repetitions: a link may tell why it is down more than once. */
  readonly states: string[] = [];
  readonly reasons: Error[] = [];
  readonly errors: Error[] = [];
  /** What was told of each message, and the number of the one before it. */
  readonly appended: { text: string; position: HistoryPosition; previousSeq: number | undefined }[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(history: History) {
    this.link = history.open({
      appended: (_topic, { data, position }, previousSeq) => {
        this.appended.push({ text: Buffer.from(data).toString(), position, previousSeq });
        this.#changed();
      },
      up: () => this.#onState("up"),
      down: (reason, isPermanent) => {
        this.reasons.push(reason as Error);
        this.#onState(isPermanent ? "down for good" : "down");
      },
      error: (error) => {
        this.errors.push(error as Error);
        this.#changed();
      },
    });
  }

  append(topic: string, text: string, options: Partial<HistoryAppend> = {}): Promise<HistoryPosition> {
    return this.link.append(topic, {
      data: Buffer.from(text),
      id: randomUUID(),
      idWindowMs: 60_000,
      retention: { maxMessages: 1_000, maxAgeMs: 3_600_000 },
      ...options,
    });
  }

  /** @returns a page with the texts of its messages */
  async read(
    topic: string,
    from: HistoryRead["from"],
    maxMessages = 10_000,
  ): Promise<
    Omit<HistoryPage, "entries"> & { readonly texts: string[]; readonly positions: HistoryPosition[] }
  > {
    const { entries, ...page } = await this.link.read(topic, { from, maxMessages, maxBytes: 10_000_000 });
    return {
      ...page,
      texts: entries.map(({ data }) => Buffer.from(data).toString()),
      positions: entries.map(({ position }) => position),
    };
  }

  async head(topic: string): Promise<HistoryPosition | undefined> {
    return (await this.link.heads([topic]))[0];
  }

  untilState(state: string): Promise<void> {
    return this.until(() => this.states.at(-1) === state, state);
  }

  untilAppended(text: string): Promise<void> {
    return this.until(() => this.appended.some((event) => event.text === text), text);
  }

  async until(isTrue: () => boolean, what: string): Promise<void> {
    const endsAt = performance.now() + timeoutMs;
    while (!isTrue()) {
      const leftMs = endsAt - performance.now();
      if (leftMs <= 0)
        throw new Error(
          `waited ${timeoutMs} ms for ${what}; ${this.states.join(", ")}; ${this.reasons.at(-1)}`,
        );
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
        setTimeout(resolve, leftMs).unref();
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.link.close();
  }

  #onState(state: string): void {
    if (this.states.at(-1) !== state) this.states.push(state);
    this.#changed();
  }

  #changed(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
