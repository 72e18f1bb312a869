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

/** The pause after a failed attempt doubles from the first to the second. */
const [firstPauseMs, longestPauseMs] = [50, 1_000];
/** Some need longer than others for the connections and subscriptions after that. */
const unevenMs = 250;
/** An attempt may take so long. */
const attemptMs = 10_000;
/** What was handed over before `close` may take so long to be answered. */
const closeMs = 2_000;

/**
 * One instance's use of Redis. When anything is lost (a connection, the place of a slot) the link is down as a whole, until
 * everything is back: so nothing overtakes what has to be handed over again.
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
  /** Something was lost since the current attempt began. */
  #isStale = false;
  #pauseMs = firstPauseMs;
  #upAt = Number.NEGATIVE_INFINITY;
  /** As `performance.now()`; undefined if nothing has failed since the link was up or opened. */
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
      // The answer may come before the event that tells of the loss.
      if (this.#isUp && (isTransient(error) || !this.#nodes.isOpen)) {
        const { lastHeardAt } = this.#nodes;
        // A new connection may lead to the master.
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

  /** Channels are refused. @returns their topics, and why */
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

  /** Tries until everything is in its place. Never rejects. */
  async #connect(): Promise<void> {
    if (this.#isConnecting) return;
    this.#isConnecting = true;
    // What is lost as soon as it is back must not be tried again and again without a pause.
    if (performance.now() - this.#upAt < longestPauseMs) await this.#pause();
    else this.#pauseMs = firstPauseMs;
    while (!this.#isClosed) {
      this.#isStale = false;
      try {
        await this.#arrange();
        // Whoever hands over again what has failed must do it after `up`, and before anything new.
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
    // A pause is no longer than about twice the time since the first one began.
    const longestOfOthersMs = Math.min(longestPauseMs, firstPauseMs + 2 * (now - (this.#downAt ?? now)));
    this.#upAt = now;
    this.#downAt = undefined;
    this.#events.up({ othersBackWithinMs: longestOfOthersMs + unevenMs });
  }

  async #pause(): Promise<void> {
    // Instances that lost the same server must not come back in step.
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
