/** What is under way to one subject. */
interface Expected {
  messages: number;
  violations: number;
  error: Error | undefined;
}

/**
 * Which messages the server has refused. It tells of each, but only by its subject; and it answers in order, so what it has
 * refused of a call is known when the call is answered.
 */
export class Violations {
  readonly #expected = new Map<string, Expected>();

  /** How many messages have been sent. */
  expect(subject: string, messages: number): void {
    const expected = this.#expected.get(subject);
    if (expected) expected.messages += messages;
    else this.#expected.set(subject, { messages, violations: 0, error: undefined });
  }

  add(subject: string, error: Error): void {
    const expected = this.#expected.get(subject);
    // A connection may be in use for other things.
    if (!expected) return;
    expected.violations++;
    expected.error = error;
  }

  /** A number of messages have been answered. @returns how many of them the server has refused */
  take(subject: string, messages: number): { count: number; error: Error | undefined } {
    const expected = this.#expected.get(subject);
    if (!expected) return { count: 0, error: undefined };
    const { error } = expected;
    const count = Math.min(messages, expected.violations);
    expected.violations -= count;
    expected.messages -= messages;
    if (expected.messages <= 0) this.#expected.delete(subject);
    return { count, error };
  }
}
