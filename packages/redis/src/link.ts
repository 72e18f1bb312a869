import { setTimeout as sleep } from "node:timers/promises";
import type { BackplaneEvents, BackplaneLink, BackplaneMessage } from "@spry-ws/core";
import { createError, refusalOf } from "@spry-ws/core/adapter";
import { abortable } from "./abortable.ts";
import type { ChannelMessage, RedisBroker } from "./broker.ts";
import { channelOf } from "./channel.ts";
import { explain, explainRefusal, isDemotion, isTransient } from "./explain.ts";
import { RedisNodes } from "./nodes.ts";

export interface RedisLinkOptions {
  readonly prefix: string;
  readonly pingIntervalMs: number;
}

/** The pause after a failed attempt: at first, and at most. Each is twice as long as the one before. */
const [firstPauseMs, longestPauseMs] = [50, 1_000];
/** How much longer than this link others may need for their connections and subscriptions, after the pause. */
const unevenMs = 250;
/** How long an attempt may take. */
const attemptMs = 10_000;
/** How long `close` waits for the answers to what was handed over before it. */
const closeMs = 2_000;

/**
 * One instance's use of Redis. When a connection is lost, or a slot has moved, the whole link is down until everything is back: so
 * no new message overtakes one that has to be handed over again.
 */
export class RedisLink implements BackplaneLink {
  readonly #prefix: string;
  readonly #events: BackplaneEvents;
  readonly #nodes: RedisNodes;
  /** The wanted topics by their channels. */
  readonly #topics = new Map<string, string>();
  readonly #pending = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  readonly #pings: NodeJS.Timeout | undefined;
  #isUp = false;
  #isConnecting = false;
  /** Whether something was lost since the current attempt began. */
  #isStale = false;
  #pauseMs = firstPauseMs;
  #upAt = Number.NEGATIVE_INFINITY;
  /** When something failed first since the link was last up, or opened, as `performance.now()`; undefined if nothing has. */
  #downAt: number | undefined;

  constructor(broker: RedisBroker, { prefix, pingIntervalMs }: RedisLinkOptions, events: BackplaneEvents) {
    this.#prefix = prefix;
    this.#events = events;
    this.#nodes = new RedisNodes(broker, {
      message: (channel, data) => this.#onMessage(channel, data),
      lost: (error, lastHeardAt) => this.#onLost(error, lastHeardAt),
      error: (error) => {
        if (!this.#isClosed) events.error(error);
      },
    });
    if (pingIntervalMs > 0)
      this.#pings = setInterval(() => this.#nodes.ping(pingIntervalMs), pingIntervalMs).unref();
    void this.#connect();
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  publish(messages: readonly BackplaneMessage[]): Promise<void> {
    return this.#run(async () => {
      const sent = messages.map(({ topic, data }) => ({
        channel: channelOf(this.#prefix, topic),
        data: Buffer.from(data.buffer, data.byteOffset, data.byteLength),
      }));
      const errors = await this.#nodes.publish(sent);
      if (errors.size === 0) return;
      const refused = new Map<BackplaneMessage, unknown>();
      for (const [index, message] of messages.entries()) {
        const error = errors.get(sent[index] as ChannelMessage);
        if (error) refused.set(message, explainRefusal(error));
      }
      throw refusalOf(refused);
    });
  }

  async subscribe(topics: readonly string[]): Promise<void> {
    const wanted = topics.map((topic) => [channelOf(this.#prefix, topic), topic] as const);
    const channels = wanted.map(([channel]) => channel);
    await this.#run(async () => {
      for (const [channel, topic] of wanted) this.#topics.set(channel, topic);
      let errors: ReadonlyMap<string, unknown>;
      try {
        errors = await this.#nodes.subscribe(channels);
      } catch (error) {
        // The caller tries again.
        for (const channel of channels) this.#topics.delete(channel);
        throw error;
      }
      const refused = this.#giveUp(errors);
      if (refused.size > 0) throw refusalOf(refused);
    });
  }

  unsubscribe(topics: readonly string[]): Promise<void> {
    const channels = topics.map((topic) => channelOf(this.#prefix, topic));
    for (const channel of channels) this.#topics.delete(channel);
    return this.#run(() => this.#nodes.unsubscribe(channels));
  }

  async close(): Promise<void> {
    if (this.#isUp) {
      const answered = new AbortController();
      const settled = Promise.allSettled(this.#pending).then(() => answered.abort());
      await Promise.race([settled, sleep(closeMs, undefined, { signal: answered.signal }).catch(() => {})]);
    }
    this.#isUp = false;
    clearInterval(this.#pings);
    this.#closing.abort(createError("SPRY_WS_BACKPLANE", "the backplane is closed"));
    this.#nodes.close();
  }

  #run(work: () => Promise<void>): Promise<void> {
    if (!this.#isUp)
      return Promise.reject(createError("SPRY_WS_BACKPLANE", "the backplane is not connected to Redis"));
    const running = work().catch((error: unknown) => {
      // This rejection may come before the event that tells of the loss.
      if (this.#isUp && (isTransient(error) || !this.#nodes.isOpen)) {
        const { lastHeardAt } = this.#nodes;
        // Closed, so that new connections are made: they may lead to the master.
        if (isDemotion(error)) this.#nodes.close();
        this.#onLost(error, lastHeardAt);
      }
      throw explainRefusal(error);
    });
    this.#pending.add(running);
    const settled = () => this.#pending.delete(running);
    running.then(settled, settled);
    return running;
  }

  /** Forgets the channels that were refused. @returns their topics, with the errors for the user */
  #giveUp(errors: ReadonlyMap<string, unknown>): Map<string, unknown> {
    const refused = new Map<string, unknown>();
    for (const [channel, error] of errors) {
      const topic = this.#topics.get(channel);
      if (topic !== undefined) refused.set(topic, explainRefusal(error));
      this.#topics.delete(channel);
    }
    return refused;
  }

  #onMessage(channel: Buffer, data: Buffer): void {
    const topic = this.#topics.get(channel.toString());
    if (topic !== undefined && !this.#isClosed) this.#events.message(topic, data);
  }

  #onLost(error: unknown, lastHeardAt: number): void {
    if (this.#isClosed) return;
    this.#isUp = false;
    this.#isStale = true;
    this.#tellDown(error, lastHeardAt);
    void this.#connect();
  }

  #tellDown(cause: unknown, lastHeardAt?: number): void {
    this.#downAt ??= performance.now();
    const { error, isPermanent } = explain(cause, "Redis cannot be reached");
    this.#events.down(error, { permanent: isPermanent, ...(lastHeardAt !== undefined && { lastHeardAt }) });
  }

  /** Tries until all connections and subscriptions are in place, or the link is closed. Never rejects. */
  async #connect(): Promise<void> {
    if (this.#isConnecting) return;
    this.#isConnecting = true;
    // A connection that is lost again as soon as it is back must not be made again and again without a pause.
    if (performance.now() - this.#upAt < longestPauseMs) await this.#pause();
    else this.#pauseMs = firstPauseMs;
    while (!this.#isClosed) {
      this.#isStale = false;
      try {
        await this.#arrange();
        // All that was handed over before the loss fails before `up`, so that it is handed over again before anything new.
        await Promise.allSettled(this.#pending);
        if (!this.#isStale) break;
      } catch (error) {
        if (!this.#isClosed) this.#tellDown(error);
      }
      await this.#pause();
    }
    this.#isConnecting = false;
    if (this.#isClosed) {
      this.#nodes.close();
      return;
    }
    this.#isUp = true;
    const now = performance.now();
    // The pause of another link is at most about twice as long as the time since its first pause began.
    const longestOfOthersMs = Math.min(longestPauseMs, firstPauseMs + 2 * (now - (this.#downAt ?? now)));
    this.#upAt = now;
    this.#downAt = undefined;
    this.#events.up({ othersBackWithinMs: longestOfOthersMs + unevenMs });
  }

  async #pause(): Promise<void> {
    // Instances that have lost the same server must not all come back at the same moment.
    const jitteredMs = this.#pauseMs * (0.5 + Math.random() / 2);
    this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs);
    await sleep(jitteredMs, undefined, { signal: this.#closing.signal }).catch(() => {});
  }

  async #arrange(): Promise<void> {
    const attempt = new AbortController();
    const end = () => attempt.abort(this.#closing.signal.reason);
    const timer = setTimeout(() => attempt.abort(new Error(`no answer within ${attemptMs} ms`)), attemptMs);
    this.#closing.signal.addEventListener("abort", end);
    try {
      const arranged = this.#nodes.arrange(this.#topics.keys(), attempt.signal);
      const errors = await abortable(attempt.signal, arranged, () => this.#nodes.close());
      const refused = this.#giveUp(errors);
      if (refused.size > 0 && !this.#isClosed) this.#events.refused(refused);
    } finally {
      clearTimeout(timer);
      this.#closing.signal.removeEventListener("abort", end);
    }
  }
}
