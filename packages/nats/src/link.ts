import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import type { BackplaneEvents, BackplaneLink, BackplaneMessage } from "@spry-ws/core";
import { refusalOf } from "@spry-ws/core/adapter";
import { explainRefusal, failure, isPermissionViolation } from "./explain.ts";
import { type ConnectionListener, SharedConnection } from "./shared-connection.ts";
import { subjectOf } from "./subject.ts";
import { type RefusedTopics, Topics } from "./topics.ts";
import type { NatsConnectionLike } from "./types.ts";
import { Violations } from "./violations.ts";

/** How long `close` waits for the answers to what was handed over before it. */
const closeMs = 2_000;
/** After an outage, messages wait no longer than this for other processes to be back, however long the pauses of the clients are. */
const maxWaitMs = 5_000;
/** How much longer than this link others may need for the connection, after the pause. */
const unevenMs = 250;

/** One instance's use of NATS. */
export class NatsLink implements BackplaneLink, ConnectionListener {
  readonly #prefix: string;
  readonly #events: BackplaneEvents;
  readonly #shared: SharedConnection;
  readonly #topics: Topics;
  readonly #pending = new Set<Promise<void>>();
  readonly #violations = new Violations();
  #losses = 0;
  #isUp = false;
  #isClosed = false;

  constructor(connection: NatsConnectionLike, prefix: string, events: BackplaneEvents) {
    this.#prefix = prefix;
    this.#events = events;
    this.#shared = SharedConnection.join(connection, this);
    this.#topics = new Topics(this.#shared, prefix, {
      message: (topic, { data }) => this.#onMessage(topic, data),
      revoked: (topics) => {
        if (!this.#isClosed) events.refused(explained(topics));
      },
    });
    if (!connection.isClosed()) void this.#confirm();
  }

  publish(messages: readonly BackplaneMessage[]): Promise<void> {
    return this.#run(async () => {
      const { connection } = this.#shared;
      const limit = connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
      const refused = new Map<BackplaneMessage, unknown>();
      const sent = new Map<string, BackplaneMessage[]>();
      for (const message of messages) {
        const { topic, data } = message;
        if (data.byteLength > limit) {
          const text = `a message of ${data.byteLength} bytes is larger than the NATS server takes: max_payload is ${limit} bytes`;
          refused.set(message, failure(text));
          continue;
        }
        const subject = subjectOf(this.#prefix, topic);
        connection.publish(subject, data);
        const list = sent.get(subject);
        if (list) list.push(message);
        else sent.set(subject, [message]);
      }
      for (const [subject, { length }] of sent) this.#violations.expect(subject, length);
      try {
        await this.#shared.answer();
        // The server sends a refusal before the answer, but the client tells of it some microtasks later.
        await turn();
      } finally {
        for (const [subject, list] of sent) {
          const { count, error } = this.#violations.take(subject, list.length);
          for (const message of list.slice(0, count)) refused.set(message, explainRefusal(error));
        }
      }
      if (refused.size > 0) throw refusalOf(refused);
    });
  }

  subscribe(topics: readonly string[]): Promise<void> {
    return this.#run(async () => {
      const refused = await this.#topics.subscribe(topics);
      if (refused.size > 0) throw refusalOf(explained(refused));
    });
  }

  unsubscribe(topics: readonly string[]): Promise<void> {
    return this.#run(() => this.#topics.unsubscribe(topics));
  }

  async close(): Promise<void> {
    if (this.#isUp) {
      const answered = new AbortController();
      const settled = Promise.allSettled(this.#pending).then(() => answered.abort());
      await Promise.race([settled, sleep(closeMs, undefined, { signal: answered.signal }).catch(() => {})]);
    }
    this.#isUp = false;
    this.#isClosed = true;
    this.#shared.leave(this);
    this.#topics.close();
  }

  onLost(reason?: string): void {
    if (this.#isClosed || this.#shared.connection.isClosed()) return;
    this.#losses++;
    this.#isUp = false;
    const text = `the connection to NATS is lost${reason ? `: ${reason}` : ""}`;
    this.#events.down(failure(text), { lastHeardAt: this.#shared.heardAt });
  }

  onReconnected(): void {
    void this.#confirm();
  }

  onClosed(error: Error): void {
    if (this.#isClosed) return;
    this.#losses++;
    this.#isUp = false;
    this.#events.down(error, { permanent: true, lastHeardAt: this.#shared.heardAt });
  }

  onError(error: unknown): void {
    if (this.#isClosed) return;
    if (!isPermissionViolation(error)) this.#events.error(error);
    // A refused subscription is told to its callback.
    else if (error.operation === "publish") this.#violations.add(error.subject, error);
  }

  #run(work: () => Promise<void>): Promise<void> {
    if (!this.#isUp) return Promise.reject(failure("the backplane is not connected to NATS"));
    const running = work().catch((error: unknown) => {
      throw explainRefusal(error);
    });
    this.#pending.add(running);
    const settled = () => this.#pending.delete(running);
    running.then(settled, settled);
    return running;
  }

  /**
   * Tells `up` once the server has taken or refused the subscriptions. After a reconnect the client sends them before anything else,
   * so an answer to what is sent now comes when they are in place. Never rejects.
   */
  async #confirm(): Promise<void> {
    const losses = this.#losses;
    try {
      await this.#topics.confirm();
    } catch {
      return;
    }
    // All that was handed over before the loss fails before `up`, so that it is handed over again before anything new.
    await Promise.allSettled(this.#pending);
    if (this.#isClosed || this.#isUp || losses !== this.#losses) return;
    const refused = this.#topics.takeRefused();
    if (refused.size > 0) this.#events.refused(explained(refused));
    this.#isUp = true;
    this.#events.up({
      othersBackWithinMs: Math.min(longestPauseMs(this.#shared.connection), maxWaitMs) + unevenMs,
    });
  }

  #onMessage(topic: string, data: Uint8Array): void {
    if (this.#isClosed) return;
    this.#shared.heardAt = performance.now();
    this.#events.message(topic, data);
  }
}

function explained(refused: RefusedTopics): Map<string, unknown> {
  return new Map(Array.from(refused, ([topic, error]) => [topic, explainRefusal(error)]));
}

/** How long a connection with these options pauses at most between two attempts at the same server, if the user has no handler for that. */
function longestPauseMs({ options = {} }: NatsConnectionLike): number {
  const { reconnectTimeWait = 2_000, reconnectJitter = 100, reconnectJitterTLS = 1_000, tls } = options;
  return reconnectTimeWait + (tls ? reconnectJitterTLS : reconnectJitter);
}
