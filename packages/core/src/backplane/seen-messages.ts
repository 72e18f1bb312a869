import type { Received } from "./envelope.ts";

/** How many publishers are remembered for a topic. As processes come and go, the oldest are forgotten. */
const maxOrigins = 256;

/**
 * Finds messages that come a second time: after a reconnect, publishers hand over again what was not confirmed. A backplane keeps the
 * order of each publisher's messages to a topic, so it is enough to remember the last sequence.
 */
export class SeenMessages {
  readonly #lastSequences = new Map<string, Map<string, number>>();

  /** Remembers a message. @returns false if it has come before */
  add(topic: string, { origin, sequence }: Received): boolean {
    let origins = this.#lastSequences.get(topic);
    if (!origins) {
      origins = new Map();
      this.#lastSequences.set(topic, origins);
    }
    const last = origins.get(origin);
    if (last !== undefined && sequence <= last) return false;
    if (last === undefined && origins.size >= maxOrigins) {
      const [oldest] = origins.keys();
      if (oldest !== undefined) origins.delete(oldest);
    }
    origins.set(origin, sequence);
    return true;
  }

  /** Nobody in this process is subscribed to the topic any more. */
  forget(topic: string): void {
    this.#lastSequences.delete(topic);
  }
}
