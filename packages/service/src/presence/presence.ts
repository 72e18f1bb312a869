import { AsyncResource } from "node:async_hooks";
import { randomBytes } from "node:crypto";
import { createError, describe, type ExtraMetric } from "@spry-ws/core/adapter";
import { defaultIntervals, type Intervals } from "./intervals.ts";
import { assertKey, jsonOf } from "./member-value.ts";
import { presenceMetrics } from "./presence-metrics.ts";
import { TopicPresence } from "./topic-presence.ts";
import type { PresenceListener, PresenceMember, PresenceOptions, PresenceView } from "./view.ts";

/** What carries the messages between processes: the instance. */
interface PresenceCarrier {
  publish(topic: string, data: string): void;
  subscribe(topic: string, listener: (message: { text(): string }) => void): () => void;
  /** Resolves when what is published reaches this process. May reject. */
  ready?(options: { readonly timeoutMs: number }): Promise<void>;
}

export interface PresenceSettings {
  readonly carrier: PresenceCarrier;
  /** The carrier's topic for what processes tell each other of a topic. */
  readonly channelOf: (topic: string) => string;
  /** The options of a topic, with their defaults. */
  readonly optionsOf: (topic: string) => Required<PresenceOptions>;
  /** Takes the errors of listeners. Never throws. */
  readonly report: (error: unknown) => void;
  readonly intervals?: Partial<Intervals> | undefined;
  /** How many topics are followed at most in which nobody is connected here, and to which nobody listens. */
  readonly maxIdle: number;
}

/** A topic that is followed. */
interface Followed {
  readonly presence: TopicPresence;
  readonly stop: () => void;
  usedAt: number;
  flushedAt: number;
  isScheduled: boolean;
}

/**
 * Who is present where: all topics of one service, or one of a raw route. A connection is any object, which tells it apart from others;
 * it is a member of a topic once at most.
 */
export class Presence {
  readonly #settings: PresenceSettings;
  readonly #intervals: Intervals;
  readonly #topics = new Map<string, Followed>();
  /** Those in which nobody is connected here, and to which nobody listens: the one that was used the longest ago comes first. */
  readonly #idle = new Map<string, Followed>();
  /** Timers and listeners run in the context in which this was made, and keep none of a request. */
  readonly #context = new AsyncResource("spry-ws:presence");
  #timer: NodeJS.Timeout | undefined;
  #isResting = false;
  #isClosed = false;

  constructor(settings: PresenceSettings) {
    this.#settings = settings;
    this.#intervals = { ...defaultIntervals, ...settings.intervals };
  }

  /**
   * A connection is from here on one of a member's. If it has joined before, it is now this member's, with this data.
   *
   * @throws TypeError `SPRY_WS_DATA` for a key that is none, or data that is too much or cannot be written as JSON
   */
  join(topic: string, connection: object, member: PresenceMember): void {
    if (typeof member !== "object" || member === null)
      throw createError("SPRY_WS_DATA", `a member is { key, data }, not ${describe(member)}`);
    const { key, data } = member;
    assertKey(key);
    const json = jsonOf(key, data, this.#settings.optionsOf(topic).maxDataBytes);
    this.#isResting = this.#isClosed;
    const followed = this.#use(topic);
    followed.presence.set(connection, key, json);
    this.#used(topic, followed);
  }

  /**
   * The member of a connection has other data. Nothing happens if the connection has not joined, or has left.
   *
   * @returns whether it has joined
   * @throws TypeError `SPRY_WS_DATA` for data that is too much, or cannot be written as JSON
   */
  update(topic: string, connection: object, data: unknown): boolean {
    const key = this.#topics.get(topic)?.presence.keyOf(connection);
    if (key === undefined) return false;
    this.join(topic, connection, { key, data });
    return true;
  }

  /**
   * A connection is no longer one of a member's. Nothing happens if it has not joined, or has left.
   *
   * @param isGone it has ended without a word: the member stays for the grace, and may come back. Otherwise it leaves at once, unless
   * it has other connections
   */
  leave(topic: string, connection: object, isGone: boolean): void {
    const followed = this.#topics.get(topic);
    if (!followed) return;
    followed.presence.leave(connection, isGone ? this.#settings.optionsOf(topic).graceMs : 0);
    this.#used(topic, followed);
  }

  /** Who is present in a topic. It may be kept, and costs nothing while it is not used. */
  view(topic: string): PresenceView {
    const use = () => {
      const followed = this.#use(topic);
      this.#used(topic, followed);
      return followed.presence;
    };
    const changed = () => {
      const followed = this.#topics.get(topic);
      if (followed) this.#used(topic, followed);
    };
    return {
      get members() {
        return use().membership.members;
      },
      get count() {
        return use().membership.members.size;
      },
      listen: (listener: PresenceListener) => {
        if (typeof listener !== "function")
          throw createError("SPRY_WS_DATA", `listen(listener) takes a function, not ${describe(listener)}`);
        const end = use().membership.listen(listener);
        changed();
        return () => {
          end();
          changed();
        };
      },
      ready: () => use().ready(),
    };
  }

  metrics(): readonly ExtraMetric[] {
    return presenceMetrics([...this.#topics.values()].map(({ presence }) => presence));
  }

  /** The process ends, or all servers with peers do: its members have the grace to come back elsewhere. */
  end(): void {
    for (const [topic, { presence }] of this.#topics) presence.end(this.#settings.optionsOf(topic).graceMs);
  }

  /**
   * The instance rests: nothing is said to the others until somebody joins. For good, it is closed.
   */
  rest(isForGood: boolean): void {
    this.#isResting = true;
    this.#isClosed ||= isForGood;
    if (!isForGood) return;
    for (const { presence, stop } of this.#topics.values()) {
      stop();
      presence.close();
    }
    this.#topics.clear();
    this.#idle.clear();
    this.#stopTimer();
  }

  #use(topic: string): Followed {
    const followed = this.#topics.get(topic) ?? this.#context.runInAsyncScope(() => this.#follow(topic));
    followed.usedAt = performance.now();
    return followed;
  }

  /** Something is different about who uses a topic here. A client that leaves one topic for the next must not make this process follow them all. */
  #used(topic: string, followed: Followed): void {
    this.#idle.delete(topic);
    if (!followed.presence.isIdle) return;
    this.#idle.set(topic, followed);
    if (this.#idle.size <= this.#settings.maxIdle) return;
    const [oldest] = this.#idle;
    if (!oldest) return;
    oldest[1].presence.giveUp();
    this.#unfollow(...oldest);
  }

  #unfollow(topic: string, followed: Followed): void {
    followed.stop();
    this.#topics.delete(topic);
    this.#idle.delete(topic);
  }

  #follow(topic: string): Followed {
    const { carrier, channelOf, report } = this.#settings;
    const channel = channelOf(topic);
    const presence = new TopicPresence({
      newId: () => randomBytes(12).toString("base64url"),
      intervals: this.#intervals,
      now: () => performance.now(),
      wallClock: () => Date.now(),
      send: (text) => this.#isResting || carrier.publish(channel, text),
      changed: () => this.#schedule(followed),
      report,
    });
    const followed: Followed = {
      presence,
      stop: carrier.subscribe(channel, (message) => presence.receive(message.text())),
      usedAt: 0,
      flushedAt: Number.NEGATIVE_INFINITY,
      isScheduled: false,
    };
    this.#topics.set(topic, followed);
    this.#timer ??= setInterval(() => this.#tick(), this.#intervals.tickMs).unref();
    if (this.#isClosed) presence.close();
    else void this.#greet(topic, followed);
    return followed;
  }

  /** Asks the others who is there, as soon as their answers come here. Never rejects. */
  async #greet(topic: string, followed: Followed): Promise<void> {
    const { settleMs, maxSettleMs } = this.#intervals;
    // Where the broker cannot be reached, what is published waits for it, as the answers do.
    await this.#settings.carrier.ready?.({ timeoutMs: maxSettleMs }).catch(() => {});
    if (this.#topics.get(topic) !== followed) return;
    followed.presence.hello(settleMs);
    setTimeout(() => this.#schedule(followed), settleMs).unref();
  }

  #schedule(followed: Followed): void {
    if (followed.isScheduled) return;
    followed.isScheduled = true;
    const flush = () => {
      followed.isScheduled = false;
      followed.flushedAt = performance.now();
      followed.presence.flush();
    };
    const waitMs = followed.flushedAt + this.#intervals.gatherMs - performance.now();
    this.#context.runInAsyncScope(() =>
      waitMs > 0 ? setTimeout(flush, waitMs).unref() : setImmediate(flush),
    );
  }

  #tick(): void {
    const now = performance.now();
    for (const [topic, followed] of this.#topics) {
      followed.presence.tick();
      if (followed.presence.isUsed) followed.usedAt = now;
      if (followed.usedAt > now - this.#intervals.unusedMs) continue;
      this.#unfollow(topic, followed);
    }
    if (this.#topics.size === 0) this.#stopTimer();
  }

  #stopTimer(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
