/** Lets so many pieces of work run at once; the others wait in their order. */
export class Gate {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(most: number) {
    this.#most = most;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#most) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      return await work();
    } finally {
      // Whoever waits takes the place.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}

/** How many go on in one turn of the event loop. */
const perTurn = 32;

const waiting: (() => void)[] = [];

/** Resolves soon: where thousands go on at once, each with many messages, the event loop does its other work in between. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    if (waiting.push(resolve) === 1) setImmediate(release);
  });
}

function release(): void {
  for (const resolve of waiting.splice(0, perTurn)) resolve();
  if (waiting.length > 0) setImmediate(release);
}
