/** setTimeout's longest delay, in milliseconds: 24.8 days. A longer one fires at once. */
export const maxTimeoutMs: number = 2 ** 31 - 1;

/** Waits for a promise that never rejects, for so many milliseconds at most. */
export async function atMost(ms: number, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.min(ms, maxTimeoutMs));
  });
  await Promise.race([promise, expired]);
  clearTimeout(timer);
}

/** How much of a time span is left. */
export class Deadline {
  readonly #endsAt: number;

  /** @param ms from now; may be Infinity */
  constructor(ms: number) {
    this.#endsAt = performance.now() + ms;
  }

  get leftMs(): number {
    return Math.max(0, this.#endsAt - performance.now());
  }
}
