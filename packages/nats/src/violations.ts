/** What is known of the messages to one subject that have not been answered. */
interface Expected {
  messages: number;
  violations: number;
  error: Error | undefined;
}

/**
 * Finds out how many messages the server has refused. It tells of each refusal, but names only the subject. As it answers in order,
 * all refusals of a call have come when the call is answered.
 */
export class Violations {
  readonly #expected = new Map<string, Expected>();

  /** Notes that messages have been sent. */
  expect(subject: string, messages: number): void {
    const expected = this.#expected.get(subject);
    if (expected) expected.messages += messages;
    else this.#expected.set(subject, { messages, violations: 0, error: undefined });
  }

  add(subject: string, error: Error): void {
    const expected = this.#expected.get(subject);
    // Nothing of ours: the user may use the connection too.
    if (!expected) return;
    expected.violations++;
    expected.error = error;
  }

  /** Notes that messages have been answered. @returns how many of them the server has refused */
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
