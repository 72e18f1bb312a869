import { createError, describe } from "@spry-ws/core/adapter";
import { assertKey, jsonOf } from "./member-value.ts";
import { TopicPresence } from "./topic-presence.ts";
import type { PresenceListener, PresenceMember, PresenceOptions, PresenceView } from "./view.ts";

/** How long a topic is followed that nobody uses, in milliseconds. */
const unusedMs = 60_000;

/** How often it is looked whose grace is over, in milliseconds. */
const tickMs = 500;

/** After one change others wait this long, and go out together, in milliseconds: so a thousand joins are not a thousand messages. */
const gatherMs = 50;

export interface PresenceSettings {
  /** The options of a topic, with their defaults. */
  readonly optionsOf: (topic: string) => Required<PresenceOptions>;
  /** Takes the errors of listeners. Never throws. */
  readonly report: (error: unknown) => void;
}

/** A topic that is followed, and when it was last used. */
interface Followed {
  readonly presence: TopicPresence;
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
  readonly #topics = new Map<string, Followed>();
  readonly #byPresence = new WeakMap<TopicPresence, Followed>();
  #timer: NodeJS.Timeout | undefined;

  constructor(settings: PresenceSettings) {
    this.#settings = settings;
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
    this.#use(topic).presence.set(connection, key, json);
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
    this.#topics.get(topic)?.presence.leave(connection, isGone ? this.#settings.optionsOf(topic).graceMs : 0);
  }

  /** Who is present in a topic. It may be kept, and costs nothing while it is not used. */
  view(topic: string): PresenceView {
    const use = () => this.#use(topic).presence;
    return {
      get members() {
        return use().membership.members;
      },
      get count() {
        return use().membership.members.size;
      },
      listen(listener: PresenceListener) {
        if (typeof listener !== "function")
          throw createError("SPRY_WS_DATA", `listen(listener) takes a function, not ${describe(listener)}`);
        return use().listen(listener);
      },
      ready: () => {
        use();
        return Promise.resolve();
      },
    };
  }

  #use(topic: string): Followed {
    let followed = this.#topics.get(topic);
    if (!followed) {
      const presence = new TopicPresence(topic, {
        now: () => performance.now(),
        changed: (presence) => this.#schedule(presence),
        report: this.#settings.report,
      });
      followed = { presence, usedAt: 0, flushedAt: Number.NEGATIVE_INFINITY, isScheduled: false };
      this.#topics.set(topic, followed);
      this.#byPresence.set(presence, followed);
    }
    followed.usedAt = performance.now();
    this.#timer ??= setInterval(() => this.#tick(), tickMs).unref();
    return followed;
  }

  #schedule(presence: TopicPresence): void {
    const followed = this.#byPresence.get(presence);
    if (!followed || followed.isScheduled) return;
    followed.isScheduled = true;
    const flush = () => {
      followed.isScheduled = false;
      followed.flushedAt = performance.now();
      presence.flush();
    };
    const waitMs = followed.flushedAt + gatherMs - performance.now();
    if (waitMs > 0) setTimeout(flush, waitMs).unref();
    else setImmediate(flush);
  }

  #tick(): void {
    const now = performance.now();
    for (const [topic, followed] of this.#topics) {
      followed.presence.tick();
      if (followed.presence.isUsed) followed.usedAt = now;
      else if (followed.usedAt <= now - unusedMs) this.#topics.delete(topic);
    }
    if (this.#topics.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
