import assert from "node:assert/strict";
import type { Backplane } from "@spry-ws/core";
import { RecordedLink } from "./recorded-link.ts";
import type { BackplaneSetup, BackplaneUnderTest } from "./setup.ts";

/** The links that one case opens, and the backplanes they belong to. */
export class CaseRun implements AsyncDisposable {
  readonly #setup: BackplaneSetup;
  readonly #made: BackplaneUnderTest[] = [];
  readonly #links: RecordedLink[] = [];

  constructor(setup: BackplaneSetup) {
    this.#setup = setup;
  }

  /** Opens a link of the given backplane, or of a new one. */
  async open(given?: Backplane, isUp = true): Promise<RecordedLink> {
    let backplane = given;
    if (!backplane) {
      const made = await this.#setup.create();
      this.#made.push(made);
      backplane = made.backplane;
    }
    const link = new RecordedLink(backplane, this.#setup.timeoutMs ?? 5_000);
    this.#links.push(link);
    if (isUp) await link.up();
    return link;
  }

  openTwo(): Promise<[RecordedLink, RecordedLink]> {
    return Promise.all([this.open(), this.open()]);
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
