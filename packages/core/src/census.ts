import { randomUUID } from "node:crypto";
import { decodeAnswer, encodeControl } from "./backplane/controls.ts";
import type { StandbyRelay } from "./backplane/standby-relay.ts";
import type { Message } from "./message.ts";
import { withResolvers } from "./promises.ts";
import { atMost, Deadline } from "./timers.ts";
import type { Topics } from "./topics.ts";

/** For so long after the last question the instance stays subscribed to the topic of its answers. */
const lingerMs = 30_000;

interface Question {
  readonly number: number;
  /** What was answered so far. */
  count: number;
  readonly result: Promise<number>;
}

/**
 * Asks the other processes how many subscribers a topic has. Who is asked nobody knows, as a backplane does not tell who is subscribed:
 * the answers that have come within a time count. Calls for a topic that has a question under way share it.
 */
export class Census {
  readonly #topics: Topics;
  readonly #relay: StandbyRelay;
  readonly #answersTo = `spry-ws:answers:${randomUUID()}`;
  readonly #byTopic = new Map<string, Question>();
  readonly #byNumber = new Map<number, Question>();
  readonly #closed = withResolvers();
  #lastNumber = 0;
  #isClosed = false;
  #stopListening: (() => void) | undefined;
  #linger: NodeJS.Timeout | undefined;

  constructor(topics: Topics, relay: StandbyRelay) {
    this.#topics = topics;
    this.#relay = relay;
  }

  get isListening(): boolean {
    return this.#stopListening !== undefined;
  }

  /** Never rejects. */
  others(topic: string, waitMs: number): Promise<number> {
    const asked = this.#byTopic.get(topic);
    if (asked) return asked.result;
    if (this.#isClosed || waitMs === 0) return Promise.resolve(0);
    const number = ++this.#lastNumber;
    const question = { number, count: 0, result: this.#ask(topic, number, new Deadline(waitMs)) };
    this.#byTopic.set(topic, question);
    this.#byNumber.set(number, question);
    return question.result;
  }

  /** The instance has been closed: what was answered so far counts. */
  close(): void {
    this.#isClosed = true;
    this.#closed.resolve();
    this.#stop();
  }

  async #ask(topic: string, number: number, deadline: Deadline): Promise<number> {
    this.#listen();
    // Answers must find their way before anybody is asked. Where the backplane cannot be reached, nobody is.
    const ready = this.#relay.ready({ timeoutMs: deadline.leftMs }, this.#answersTo);
    const canAsk = await ready.then(
      () => !this.#isClosed,
      () => false,
    );
    if (canAsk) {
      this.#relay.control(
        topic,
        encodeControl({ kind: "count", question: number, answerTo: this.#answersTo }),
      );
      await atMost(deadline.leftMs, this.#closed.promise);
    }
    const count = this.#byNumber.get(number)?.count ?? 0;
    this.#byNumber.delete(number);
    this.#byTopic.delete(topic);
    this.#rest();
    return count;
  }

  #listen(): void {
    clearTimeout(this.#linger);
    this.#stopListening ??= this.#topics.listen(this.#answersTo, (message) => this.#onAnswer(message));
  }

  #onAnswer(message: Message): void {
    const answer = message.isText ? undefined : decodeAnswer(message.bytes());
    const question = answer && this.#byNumber.get(answer.question);
    if (question) question.count += answer.count;
  }

  #rest(): void {
    if (this.#byNumber.size > 0 || this.#isClosed) return;
    clearTimeout(this.#linger);
    this.#linger = setTimeout(() => this.#stop(), lingerMs).unref();
  }

  #stop(): void {
    clearTimeout(this.#linger);
    this.#stopListening?.();
    this.#stopListening = undefined;
  }
}
