import type { Received } from "./envelope.ts";

/** How many publishers are remembered for a topic. Processes come and go; the oldest are forgotten. */
const maxOrigins = 256;

/**
 * Tells a message from one that came already: after a reconnect, publishers hand over again what was not confirmed. A
 * backplane keeps the order of each publisher's messages to a topic, so the last sequence is all there is to know.
 */
export class SeenMessages {
  readonly #lastSequences = new Map<string, Map<string, number>>();

  /** False if it came already. */
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

  /** Nobody here is subscribed any more. */
  forget(topic: string): void {
    this.#lastSequences.delete(topic);
  }
}
