import { type Control, decodeControl, encodeAnswer, encodeControl } from "./backplane/controls.ts";
import type { StandbyRelay } from "./backplane/standby-relay.ts";
import { Census } from "./census.ts";
import { resolveClosing } from "./close-frame.ts";
import { type CountOptions, waitOf } from "./options/call-options.ts";
import { assertTopic, type Topics } from "./topics.ts";

/** What is done with the subscribers of a topic in all processes. */
export class Operations {
  readonly #topics: Topics;
  readonly #relay: StandbyRelay | undefined;
  readonly #census: Census | undefined;

  constructor(topics: Topics, relay: StandbyRelay | undefined) {
    this.#topics = topics;
    this.#relay = relay;
    this.#census = relay && new Census(topics, relay);
  }

  disconnect(topic: string, code?: number, reason?: string): void {
    assertTopic(topic, "disconnect(topic, code, reason)");
    const closing = resolveClosing(code, reason, "disconnect(topic, code, reason)");
    // First, as a hook that is called meanwhile may publish something, which comes after this in other processes too.
    this.#relay?.control(topic, encodeControl({ kind: "disconnect", ...closing }));
    this.#topics.close(topic, closing.code, closing.reason);
  }

  async count(topic: string, options?: CountOptions): Promise<number> {
    assertTopic(topic, "count(topic, options)");
    const waitMs = waitOf(options, "count(topic, options)");
    const others = (await this.#census?.others(topic, waitMs)) ?? 0;
    return others + this.#topics.count(topic);
  }

  /** How many listeners of topics are not the user's. */
  get listeners(): number {
    return this.#census?.isListening ? 1 : 0;
  }

  /** Another instance asks something of those that are subscribed to a topic. */
  received(topic: string, data: Uint8Array): void {
    const control = decodeControl(data);
    if (control?.kind === "disconnect") this.#topics.close(topic, control.code, control.reason);
    else if (control) this.#answer(topic, control);
  }

  /** The instance has been closed. */
  close(): void {
    this.#census?.close();
  }

  #answer(topic: string, { question, answerTo }: Control & { kind: "count" }): void {
    const count = this.#topics.count(topic);
    if (count > 0) this.#relay?.publish(answerTo, encodeAnswer(question, count));
  }
}
