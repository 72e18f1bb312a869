import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { History, HistoryRetention } from "@spry-ws/core";
import { RecordedLink } from "./recorded-link.ts";
import type { HistoryCase, HistorySetup, HistoryUnderTest } from "./setup.ts";

/** Makes a case. @param retention what it appends with, where it matters */
export type DefineCase = (
  name: string,
  body: (run: CaseRun) => Promise<void>,
  retention?: Partial<HistoryRetention>,
) => HistoryCase;

/** The links that one case opens, and the histories they belong to. */
export class CaseRun implements AsyncDisposable {
  readonly setup: HistorySetup;
  readonly timeoutMs: number;
  readonly retention: HistoryRetention;
  readonly #made: HistoryUnderTest[] = [];
  readonly #links: RecordedLink[] = [];

  constructor(setup: HistorySetup, retention: Partial<HistoryRetention>) {
    this.setup = setup;
    this.timeoutMs = setup.timeoutMs ?? 15_000;
    this.retention = { maxMessages: 10_000, maxAgeMs: 3_600_000, ...retention };
  }

  /** The name of a topic that nothing was ever appended to. */
  topic(name = "topic"): string {
    return `${name}/${randomUUID()}`;
  }

  /** Opens a link of the given history, or of a new one. */
  async open(given?: History): Promise<RecordedLink> {
    let history = given;
    if (!history) {
      const made = await this.setup.create(this.retention);
      this.#made.push(made);
      history = made.history;
    }
    const link = new RecordedLink(history, this);
    this.#links.push(link);
    return link;
  }

  async openUp(given?: History): Promise<RecordedLink> {
    const link = await this.open(given);
    await link.up();
    return link;
  }

  openTwo(): Promise<[RecordedLink, RecordedLink]> {
    return Promise.all([this.openUp(), this.openUp()]);
  }

  /** What the promise settles with. @throws Error when it has not after `timeoutMs` */
  async settled<T>(what: string, promise: Promise<T>): Promise<PromiseSettledResult<T>> {
    let timer: NodeJS.Timeout | undefined;
    const expired = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`${what} has not settled after ${this.timeoutMs} ms`)),
        this.timeoutMs,
      );
    });
    const [result] = await Promise.race([Promise.allSettled([promise]), expired]);
    clearTimeout(timer);
    return result;
  }

  async assertClientsUsable(): Promise<void> {
    for (const made of this.#made) await made.assertClientUsable?.();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#links.map(({ link }) => link.close()));
    for (const made of this.#made) await made.dispose();
    for (const { problems } of this.#links) assert.deepEqual(problems, []);
  }
}
