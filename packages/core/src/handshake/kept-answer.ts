import { Writable } from "node:stream";

/** Takes what a framework writes to a client, and keeps it as long as it may still have to be sent. */
export class KeptAnswer extends Writable {
  #chunks: Buffer[] | undefined = [];

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#chunks?.push(chunk);
    done();
  }

  /** Returns what has been written so far, and keeps nothing any more. */
  take(): Buffer {
    const bytes = Buffer.concat(this.#chunks ?? []);
    this.#chunks = undefined;
    return bytes;
  }

  /** Keeps nothing any more: the answer will not be sent. */
  drop(): void {
    this.#chunks = undefined;
  }
}
