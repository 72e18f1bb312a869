import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type {
  History,
  HistoryAppend,
  HistoryEntry,
  HistoryLink,
  HistoryPage,
  HistoryPosition,
  HistoryRead,
  HistoryRetention,
} from "@spry-ws/core";
import { Changes } from "../changes.ts";

/** A message that was appended: where it is, and what it says. */
export interface Told {
  readonly position: HistoryPosition;
  readonly text: string;
}

/** What a link told of a message. */
export interface Appended extends Told {
  readonly topic: string;
  readonly data: Uint8Array;
  readonly previousSeq: number | undefined;
}

function told({ position, data }: HistoryEntry): Told {
  return { position: plain(position), text: Buffer.from(data).toString() };
}

/** The position with nothing else that the store's object may have. */
export function plain({ epoch, seq, tag }: HistoryPosition): HistoryPosition {
  return { epoch, seq, tag };
}

/** A link whose events are recorded, and that appends and reads text. */
export class RecordedLink {
  readonly history: History;
  readonly link: HistoryLink;
  /** "up" and "down", as they came. */
  readonly states: string[] = [];
  /** Events that no link may tell in these cases. */
  readonly problems: unknown[] = [];
  appended: Appended[] = [];
  readonly #retention: HistoryRetention;
  readonly #changes: Changes;
  #isEnded = false;
  #mayBeDown = false;

  constructor(history: History, run: { readonly retention: HistoryRetention; readonly timeoutMs: number }) {
    this.history = history;
    this.#retention = run.retention;
    this.#changes = new Changes(run.timeoutMs);
    this.link = history.open({
      appended: (topic, entry, previousSeq) => {
        this.appended.push({ topic, ...told(entry), data: entry.data, previousSeq });
        this.#note();
      },
      up: () => {
        this.states.push("up");
        this.#note();
      },
      down: (reason) => {
        this.states.push("down");
        this.#note(this.#mayBeDown ? undefined : reason);
      },
      error: (error) => this.#note(error),
    });
  }

  /** From now on the store may be away. */
  expectOutage(): void {
    this.#mayBeDown = true;
  }

  /** From now on every event is a problem: a link that has been closed must not tell any. */
  expectSilence(): void {
    this.#isEnded = true;
  }

  up(): Promise<void> {
    return this.until(() => this.states.at(-1) === "up", "up");
  }

  async append(topic: string, text: string, options: Partial<HistoryAppend> = {}): Promise<HistoryPosition> {
    return plain(
      await this.link.append(topic, {
        data: Buffer.from(text),
        id: randomUUID(),
        idWindowMs: 60_000,
        retention: this.#retention,
        ...options,
      }),
    );
  }

  /** Appends as many messages in one turn, which say "0", "1" and so on, with something in front if that is given. */
  appendMany(topic: string, count: number, name = ""): Promise<Told[]> {
    const texts = Array.from({ length: count }, (_, index) => name + index);
    return Promise.all(texts.map(async (text) => ({ position: await this.append(topic, text), text })));
  }

  async read(
    topic: string,
    from: HistoryRead["from"],
    limits: Partial<HistoryRead> = {},
  ): Promise<Omit<HistoryPage, "entries"> & { readonly entries: readonly Told[] }> {
    const page = await this.link.read(topic, {
      from,
      maxMessages: 100_000,
      maxBytes: 100_000_000,
      ...limits,
    });
    return { ...page, head: plain(page.head), entries: page.entries.map(told) };
  }

  /** Reads page after page, from where nothing may be missing to the end of the log. */
  async readAll(
    topic: string,
    from: HistoryRead["from"],
    limits: Partial<HistoryRead> = {},
  ): Promise<Told[]> {
    const all: Told[] = [];
    for (let at = from, hasMore = true; hasMore; ) {
      const page = await this.read(topic, at, limits);
      assert.ok(page.isContinuous, "every page is continuous");
      assert.ok(page.entries.length > 0 || !page.hasMore, "a page has a message where the log has more");
      all.push(...page.entries);
      at = page.entries.at(-1)?.position ?? at;
      ({ hasMore } = page);
    }
    return all;
  }

  async head(topic: string): Promise<HistoryPosition> {
    const [head] = await this.link.heads([topic]);
    assert.ok(head, "a head for each topic");
    return plain(head);
  }

  until(isTrue: () => boolean, what: string): Promise<void> {
    return this.#changes.until(
      isTrue,
      what,
      () => `states: ${this.states.join(", ")}; problems: ${this.problems.map(String).join("; ")}`,
    );
  }

  /**
   * Waits until the event of a position has come, and takes all events up to it.
   *
   * @returns each message once: a store may tell of one again
   */
  async taken(topic: string, { seq, tag }: HistoryPosition): Promise<Appended[]> {
    const isLast = (event: Appended) =>
      event.topic === topic && event.position.seq === seq && event.position.tag === tag;
    await this.until(() => this.appended.some(isLast), `the event of message ${seq}`);
    const events = this.appended.splice(0, this.appended.findIndex(isLast) + 1);
    const seen = new Set<string>();
    return events.filter((event) => {
      const key = `${event.position.tag} ${event.topic}`;
      return !seen.has(key) && seen.add(key);
    });
  }

  #note(problem?: unknown): void {
    if (problem !== undefined) this.problems.push(problem);
    if (this.#isEnded) this.problems.push("it told something after it was closed");
    this.#changes.note();
  }
}
