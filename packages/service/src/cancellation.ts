/**
 * Whether a request is cancelled. Its signal is made when somebody asks for it: most handlers never do, and a signal costs more than
 * all else of a short request.
 */
export class Cancellation {
  #controller: AbortController | undefined;
  #isAborted = false;

  get isAborted(): boolean {
    return this.#isAborted;
  }

  /** The same one each time. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#isAborted) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  abort(): void {
    this.#isAborted = true;
    this.#controller?.abort();
  }
}
