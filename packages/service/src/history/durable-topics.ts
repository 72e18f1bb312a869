import type {
  History,
  HistoryAppend,
  HistoryEvents,
  HistoryLink,
  HistoryPage,
  HistoryPosition,
  HistoryRead,
} from "@spry-ws/core";
import { createError, notAppended } from "@spry-ws/core/adapter";
import { inParts } from "../parts.ts";
import { Feed, type FeedOwner } from "./feed.ts";
import { Gate } from "./gate.ts";
import { HistoryCounts } from "./history-counts.ts";
import { defaultSlices, type Slices } from "./live.ts";
import { StoreState } from "./store-state.ts";

/** How often the ends of all logs are compared, in milliseconds: for a last message of which the store has not told. */
const checkMs = 25_000;

/** How long a feed lives on that nobody uses, and how often that is looked at, in milliseconds. */
const [unusedMs, lookMs] = [5_000, 1_000];

/** How many topics one call of the store is about at most. */
const maxTopicsPerCall = 500;

/** How soon what has failed is tried again, in milliseconds. */
const [firstRetryMs, maxRetryMs] = [100, 5_000];

export interface DurableTopicsOptions {
  readonly history: History;
  readonly limits: { readonly maxReads: number; readonly maxTailBytes: number };
  readonly report: (error: unknown) => void;
  readonly slices?: Slices;
}

/** The durable topics of one service: its link to the store, and a feed for each topic that is followed here. */
export class DurableTopics implements FeedOwner {
  readonly tails: FeedOwner["tails"];
  readonly pages: FeedOwner["pages"];
  readonly slices: Slices;
  readonly state: StoreState;
  readonly counts: HistoryCounts = new HistoryCounts();
  /** Bounds how many snapshots are made at once. */
  readonly snapshots: Gate;
  readonly #history: History;
  readonly #gate: Gate;
  readonly #feeds = new Map<string, Feed>();
  /** Feeds that are new in this turn of the event loop, whose topics are not subscribed to yet. */
  #opening: Feed[] = [];
  #link: HistoryLink | undefined;
  /** What the present link was opened with: those of an earlier one tell nothing any more. */
  #events: HistoryEvents | undefined;
  /** Nothing more is published. */
  #isEnding = false;
  #isClosed = false;
  #sawForeign = false;
  #checkTimer: NodeJS.Timeout | undefined;
  #lookTimer: NodeJS.Timeout | undefined;
  readonly #underWay = new Set<Promise<unknown>>();

  constructor({ history, limits, report, slices = defaultSlices }: DurableTopicsOptions) {
    this.slices = slices;
    this.#history = history;
    this.state = new StoreState(history.name, report);
    this.#gate = new Gate(limits.maxReads);
    this.snapshots = new Gate(limits.maxReads);
    this.tails = { byteLength: 0, maxBytes: limits.maxTailBytes };
    this.pages = { byteLength: 0, maxBytes: limits.maxTailBytes };
    this.#openLink();
  }

  get feeds(): Iterable<Feed> {
    return this.#feeds.values();
  }

  /** The feed of a topic, which must be given back by `release`. */
  use(topic: string): Feed {
    let feed = this.#feeds.get(topic);
    if (!feed) {
      feed = new Feed(topic, this);
      this.#feeds.set(topic, feed);
      if (this.#opening.push(feed) === 1) setImmediate(() => this.#openFeeds());
      this.#startTimers();
    }
    feed.users++;
    return feed;
  }

  release(feed: Feed): void {
    feed.users--;
    feed.unusedSince = performance.now();
  }

  /** Resolves when the store can be used. @throws Error `SPRY_WS_HISTORY` (rejects) after `timeoutMs`, or as soon as it is clear that it cannot */
  async ready(timeoutMs: number): Promise<void> {
    if (this.#isEnding) throw createError("SPRY_WS_HISTORY", `${this.#history.name} is closed`);
    this.#openLink();
    await this.state.ready(timeoutMs);
  }

  /** Begins what publishes, when the store has been reached for the first time. `rest` waits until it has ended. */
  onceReached<T>(timeoutMs: number, publish: () => Promise<T>): Promise<T> {
    if (this.#isEnding) {
      const error = notAppended("the service is closed");
      this.counts.settled(error);
      return Promise.reject(error);
    }
    this.#openLink();
    const published = this.state.onceReached(timeoutMs, publish);
    this.#underWay.add(published);
    const done = (error?: unknown) => {
      this.#underWay.delete(published);
      this.counts.settled(error);
    };
    published.then(() => done(), done);
    return published;
  }

  /** Rejects as the store's link does, and with `notAppended` when the service is closed. */
  append(topic: string, message: HistoryAppend): Promise<HistoryPosition> {
    if (this.#isClosed) return Promise.reject(notAppended("the service is closed"));
    return call(() => this.#openLink().append(topic, message));
  }

  async read(topic: string, what: HistoryRead): Promise<HistoryPage> {
    this.counts.reads++;
    return this.#untilDone(`read the topic "${topic}"`, () =>
      this.#gate.run(() => call(() => this.#openLink().read(topic, what))),
    );
  }

  onForeign(topic: string): void {
    if (this.#sawForeign) return;
    this.#sawForeign = true;
    const text =
      `${this.#history.name} has something in the topic ${JSON.stringify(topic)} that no service of this version has published; ` +
      "such messages are ignored. If another program uses the same names, give the history a prefix of its own";
    this.state.tell(text, undefined);
  }

  /** Waits for what is being published, for no longer than `deadlineMs`, and closes the link. Never rejects. */
  async rest(deadlineMs: number, isForGood: boolean): Promise<void> {
    this.#isEnding ||= isForGood;
    const deadline = new Promise<void>((resolve) => {
      setTimeout(resolve, Math.min(deadlineMs, 2 ** 31 - 1)).unref();
    });
    await Promise.race([deadline, Promise.allSettled(this.#underWay)]);
    this.#isClosed ||= isForGood;
    const link = this.#link;
    this.#link = undefined;
    this.#events = undefined;
    this.state.reset();
    this.#stopTimers();
    for (const feed of this.#feeds.values()) feed.end();
    this.#feeds.clear();
    if (!link) return;
    const closed = call(() => link.close()).catch((error) =>
      this.state.tell(`${this.#history.name} could not be closed`, error),
    );
    await Promise.race([deadline, closed]);
  }

  #openLink(): HistoryLink {
    if (this.#link) return this.#link;
    const ofThis = (work: () => void) => this.#events === events && work();
    const events: HistoryEvents = {
      appended: (topic, entry, previousSeq) =>
        ofThis(() => this.#feeds.get(topic)?.appended(entry, previousSeq)),
      up: () => ofThis(() => this.#onUp()),
      down: (reason, isPermanent = false) =>
        ofThis(() => {
          this.state.toDown(reason, isPermanent);
          for (const feed of this.#feeds.values()) feed.unsettle();
        }),
      error: (error) => ofThis(() => this.state.tell(`${this.#history.name} had an error`, error)),
    };
    this.#events = events;
    this.#link = this.#history.open(events);
    return this.#link;
  }

  #onUp(): void {
    if (this.state.isUp) return;
    this.state.toUp();
    for (const feed of this.#feeds.values()) feed.unsettle();
    void this.#check([...this.#feeds.values()].filter((feed) => !this.#opening.includes(feed)));
  }

  /** Subscribes to all topics that are new, and asks where their logs end. */
  #openFeeds(): void {
    const feeds = this.#opening;
    this.#opening = [];
    for (const some of inCalls(feeds)) {
      const topics = some.map(({ topic }) => topic);
      void this.#untilDone("subscribe to topics", () => call(() => this.#openLink().subscribe(topics)))
        .then(() => this.#check(some))
        .catch(() => {}); // The service is closed.
    }
  }

  /** Asks where logs end. Never rejects. */
  async #check(feeds: readonly Feed[]): Promise<void> {
    try {
      for (const some of inCalls(feeds)) {
        const topics = some.map(({ topic }) => topic);
        const heads = await this.#untilDone("compare topics", () =>
          this.#gate.run(() => call(() => this.#openLink().heads(topics))),
        );
        for (const [index, head] of heads.entries()) some[index]?.check(head);
      }
    } catch {
      // The service is closed.
    }
  }

  /** Tries a call again until it succeeds. Rejects only when the service is closed. */
  async #untilDone<T>(what: string, work: () => Promise<T>): Promise<T> {
    for (let retryMs = firstRetryMs; ; retryMs = Math.min(2 * retryMs, maxRetryMs)) {
      if (this.#isClosed) throw new Error("the service is closed");
      if (!this.state.isUp) await this.state.upOrAfter(maxRetryMs);
      try {
        const result = await work();
        this.state.succeeded();
        return result;
      } catch (error) {
        this.counts.retries++;
        this.state.failed(what, error);
        await this.state.upOrAfter(retryMs);
      }
    }
  }

  #startTimers(): void {
    if (this.#lookTimer) return;
    this.#lookTimer = setInterval(() => this.#endUnused(), lookMs).unref();
    const next = () => {
      // Somewhat at random, so that not all processes ask at once.
      this.#checkTimer = setTimeout(
        () => {
          if (this.state.isUp) void this.#check([...this.#feeds.values()]);
          next();
        },
        checkMs * (0.8 + 0.4 * Math.random()),
      ).unref();
    };
    next();
  }

  #stopTimers(): void {
    clearInterval(this.#lookTimer);
    clearTimeout(this.#checkTimer);
    this.#lookTimer = undefined;
  }

  #endUnused(): void {
    const since = performance.now() - unusedMs;
    const unused = [...this.#feeds.values()].filter(
      ({ users, unusedSince }) => users === 0 && unusedSince <= since,
    );
    if (unused.length === 0) return;
    for (const feed of unused) {
      feed.end();
      this.#feeds.delete(feed.topic);
    }
    for (const some of inCalls(unused)) {
      const topics = some.map(({ topic }) => topic);
      call(() => this.#openLink().unsubscribe(topics)).catch((error) =>
        this.state.failed("end subscriptions", error),
      );
    }
    if (this.#feeds.size === 0) this.#stopTimers();
  }
}

/** As many of them as one call is about. */
function inCalls(feeds: readonly Feed[]): readonly (readonly Feed[])[] {
  return inParts(feeds, maxTopicsPerCall, () => 1);
}

/** A call of a link that throws, though it should reject, must not end the process. */
async function call<T>(work: () => Promise<T>): Promise<T> {
  return work();
}
