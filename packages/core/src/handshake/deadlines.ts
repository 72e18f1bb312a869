import { answerInstead } from "./answer.ts";
import type { Handshake } from "./handshake.ts";
import { timedOut } from "./rejection.ts";

/**
 * Answers handshakes that take too long. As all have the same time, the oldest is always the next, and one timer serves them all: a
 * handshake that is done in time costs no timer. A handshake that comes from another instance stands behind some that began after
 * it. Its time too is counted from its beginning, but checked only after theirs.
 */
export class Deadlines {
  readonly #handshakes: ReadonlySet<Handshake>;
  readonly #timeoutMs: number;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param handshakes those under way, in the order in which they came
   * @param timeoutMs 0: no bound
   */
  constructor(handshakes: ReadonlySet<Handshake>, timeoutMs: number) {
    this.#handshakes = handshakes;
    this.#timeoutMs = timeoutMs;
  }

  /** A handshake has begun, or has come from another instance. */
  start(handshake: Handshake): void {
    if (this.#timeoutMs > 0 && !this.#timer) this.#wait(this.#leftMs(handshake));
  }

  /** The sockets of the handshakes keep the process alive, not the timer, which outlasts them. */
  #wait(ms: number): void {
    this.#timer = setTimeout(() => this.#check(), ms).unref();
  }

  #check(): void {
    this.#timer = undefined;
    for (const handshake of this.#handshakes) {
      const leftMs = this.#leftMs(handshake);
      if (leftMs > 0) {
        this.#wait(leftMs);
        return;
      }
      const { instance, isPending, response } = handshake;
      if (isPending && !response?.headersSent)
        instance.handshakes.notices.unanswered(handshake, this.#timeoutMs);
      answerInstead(handshake, timedOut);
    }
  }

  #leftMs({ beganAt }: Handshake): number {
    return Math.ceil(beganAt + this.#timeoutMs - performance.now());
  }
}
