import { setTimeout as sleep } from "node:timers/promises";
import type {
  HistoryAppend,
  HistoryEvents,
  HistoryLink,
  HistoryPage,
  HistoryPosition,
  HistoryRead,
} from "@spry-ws/core";
import { notAppended } from "@spry-ws/core/adapter";
import { isPermissionViolation } from "../explain.ts";
import { type ConnectionListener, SharedConnection } from "../shared-connection.ts";
import { subjectOf } from "../subject.ts";
import { type RefusedTopics, Topics } from "../topics.ts";
import type { NatsMessageLike } from "../types.ts";
import { Api } from "./api.ts";
import { Appender } from "./appender.ts";
import { Arrivals, arrivalOf } from "./arrivals.ts";
import { explain, historyError, NoResponders, Refused, streamNotFound } from "./explain.ts";
import { Log } from "./log.ts";
import { Purger } from "./purger.ts";
import { readPage } from "./reader.ts";
import { Requests } from "./requests.ts";
import type { Settings } from "./settings.ts";
import { positionOf } from "./stored.ts";
import { Stream } from "./stream.ts";
import type { StreamConfig } from "./stream-config.ts";

/** Between two attempts to find the stream. */
const pauseMs = { least: 250, most: 5_000 };

/** One service's use of a stream. */
export class JetStreamLink implements HistoryLink, ConnectionListener {
  readonly requests: Requests;
  readonly log: Log;
  readonly #settings: Settings;
  readonly #events: HistoryEvents;
  readonly #shared: SharedConnection;
  readonly #topics: Topics;
  readonly #stream: Stream;
  readonly #appender: Appender;
  readonly #purger: Purger;
  readonly #arrivals: Arrivals;
  #isUp = false;
  #isClosed = false;
  /** Why it is down, as it was told last. */
  #told = "";
  #losses = 0;
  /** The highest number that JetStream has given to what was appended here: those of a new stream begin anew. */
  #lastStored = 0;

  constructor(settings: Settings, events: HistoryEvents) {
    const { connection } = settings;
    this.#settings = settings;
    this.#events = events;
    this.requests = new Requests(connection);
    const api = new Api(this.requests, settings);
    this.log = new Log(api);
    this.#stream = new Stream(api, settings);
    this.#appender = new Appender(this);
    this.#purger = new Purger(api, (error) => this.#tell(error));
    this.#arrivals = new Arrivals(
      ({ topic, position, data, previousSeq }) => events.appended(topic, { position, data }, previousSeq),
      () =>
        this.#seen().then(
          () => {},
          (error: unknown) => this.gone(explain(error)),
        ),
    );
    this.#shared = SharedConnection.join(connection, this);
    this.#topics = new Topics(this.#shared, settings.livePrefix, {
      message: (topic, message) => this.#onMessage(topic, message),
      revoked: (topics) => this.#onRefused(topics),
    });
    if (!connection.isClosed()) void this.#confirm();
  }

  get epoch(): string {
    return this.#stream.epoch;
  }

  get config(): StreamConfig {
    return this.#stream.config;
  }

  get maxPayload(): number {
    return this.#settings.connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
  }

  append(topic: string, message: HistoryAppend): Promise<HistoryPosition> {
    if (!this.#isUp) return Promise.reject(notAppended(historyError("JetStream cannot be reached")));
    return this.#appender.append(topic, this.#subjectOf(topic), message);
  }

  read(topic: string, what: HistoryRead): Promise<HistoryPage> {
    return this.#run(() => readPage(this, this.#subjectOf(topic), what));
  }

  heads(topics: readonly string[]): Promise<readonly HistoryPosition[]> {
    return this.#run(async () => {
      const { epoch } = this;
      const found = await this.log.lastOfEach(topics.map((topic) => this.#subjectOf(topic)));
      await this.confirm(epoch);
      return found.map((stored) => positionOf(epoch, stored));
    });
  }

  subscribe(topics: readonly string[]): Promise<void> {
    return this.#run(async () => {
      const [refusal] = (await this.#topics.subscribe(topics)).values();
      if (refusal) throw refusal;
    });
  }

  unsubscribe(topics: readonly string[]): Promise<void> {
    for (const topic of topics) this.#arrivals.leave(topic);
    return this.#run(() => this.#topics.unsubscribe(topics));
  }

  async close(): Promise<void> {
    this.#isUp = false;
    this.#isClosed = true;
    this.#losses++;
    this.#shared.leave(this);
    this.#topics.close();
    this.#purger.close();
    this.#arrivals.begin(0);
    this.requests.close(historyError("the history is closed"));
  }

  async confirm(epoch: string): Promise<void> {
    if ((await this.#stream.seen()) === epoch) return;
    throw this.#renew();
  }

  stored(subject: string, seq: number, maxAgeMs: number): Promise<string> | string {
    const isDoubtful = seq <= this.#lastStored;
    this.#lastStored = seq;
    if (isDoubtful) return this.#seen();
    this.#purger.note(subject, seq, maxAgeMs);
    return this.epoch;
  }

  gone(error: unknown): void {
    if (this.#isUp) this.#start(error);
  }

  aged(subject: string, seq: number): void {
    this.#purger.purge(subject, seq);
  }

  onLost(reason?: string): void {
    if (this.#isClosed || this.#shared.connection.isClosed()) return;
    this.#down(historyError(`the connection to NATS is lost${reason ? `: ${reason}` : ""}`));
  }

  onReconnected(): void {
    void this.#confirm();
  }

  onClosed(error: Error): void {
    if (!this.#isClosed) this.#down(historyError(error.message, error), true);
  }

  onError(error: unknown): void {
    if (this.#isClosed) return;
    if (!isPermissionViolation(error)) this.#events.error(error);
    // A refused subscription is told to its callback.
    else if (error.operation === "publish") this.requests.fail(error, error.subject);
  }

  #subjectOf(topic: string): string {
    return subjectOf(this.#settings.logPrefix, topic);
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#isUp) throw historyError("JetStream cannot be reached");
    try {
      return await work();
    } catch (error) {
      if (error instanceof NoResponders || (error instanceof Refused && error.errorCode === streamNotFound))
        this.gone(explain(error));
      throw explain(error);
    }
  }

  /** Which stream there is, where that is in doubt. */
  async #seen(): Promise<string> {
    const epoch = await this.#stream.seen();
    if (epoch !== this.epoch) this.#renew();
    return epoch;
  }

  #renew(): Error {
    const error = historyError(`the JetStream stream "${this.#settings.stream}" was deleted and made anew`);
    this.gone(error);
    return error;
  }

  /** Down, and up again by itself: the connection is there, and what there is behind it is looked for. */
  #start(reason: unknown): void {
    this.#down(reason);
    void this.#confirm();
  }

  #down(reason: unknown, isPermanent = false): void {
    this.#losses++;
    this.#isUp = false;
    this.#purger.pause();
    this.#arrivals.begin(0);
    this.requests.fail(reason);
    this.#told = String(reason);
    this.#events.down(reason, isPermanent);
  }

  /**
   * Tells `up` once the subscriptions are in place and the stream fits; until then it tries again. Never rejects.
   */
  async #confirm(): Promise<void> {
    const losses = ++this.#losses;
    const isOver = () => this.#isClosed || losses !== this.#losses;
    const before = this.epoch;
    for (let waitMs = pauseMs.least; ; waitMs = Math.min(waitMs * 2, pauseMs.most)) {
      try {
        await this.#topics.confirm();
        await this.#stream.check();
        break;
      } catch (error) {
        if (isOver()) return;
        this.#tellDown(explain(error));
        await sleep(waitMs, undefined, { ref: false });
        if (isOver()) return;
      }
    }
    if (isOver()) return;
    // A stream that was restored has other messages under its numbers.
    this.#lastStored = 0;
    this.#arrivals.begin(this.#stream.lastSeq);
    this.#appender.forget();
    if (before !== this.epoch) this.#purger.forget();
    this.#purger.resume();
    this.#onRefused(this.#topics.takeRefused());
    this.#isUp = true;
    this.#told = "";
    this.#events.up();
  }

  #tellDown(error: Error): void {
    if (this.#told === String(error)) return;
    this.#told = String(error);
    this.#events.down(error);
  }

  #tell(error: unknown): void {
    if (!this.#isClosed) this.#events.error(error);
  }

  #onRefused(topics: RefusedTopics): void {
    for (const error of new Set(topics.values())) this.#tell(explain(error));
  }

  #onMessage(topic: string, { data, headers }: NatsMessageLike): void {
    if (this.#isClosed || !this.#isUp || !headers) return;
    this.#shared.heardAt = performance.now();
    const arrival = arrivalOf(topic, this.epoch, data, headers);
    if (arrival) this.#arrivals.take(arrival);
  }
}
