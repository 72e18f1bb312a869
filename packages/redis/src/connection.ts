import { setTimeout as sleep } from "node:timers/promises";
import { createError } from "@spry-ws/core/adapter";
import { abortable } from "./abortable.ts";
import type { RedisBroker } from "./broker.ts";
import { explain, isDemotion, isTransient, type RedisErrorCode } from "./explain.ts";
import { RedisNodes } from "./nodes.ts";

export interface RedisConnectionOptions {
  /** 0: no PING. */
  readonly pingIntervalMs: number;
  /** The code of its errors. */
  readonly code: RedisErrorCode;
  /** In a cluster, whether every server has to be connected to; see `RedisNodes`. */
  readonly needsEveryMaster: boolean;
  /** Called with each new set of connections, before they are used. */
  prepare?(nodes: RedisNodes): Promise<unknown>;
}

export interface RedisConnectionEvents {
  message(channel: Buffer, data: Buffer): void;
  /** All connections and subscriptions are in place. @param othersBackWithinMs when other processes, that lost them too, are as far */
  up(othersBackWithinMs: number): void;
  /** @param lastHeardAt when the server was last heard, as `performance.now()` */
  down(error: Error, isPermanent: boolean, lastHeardAt: number | undefined): void;
  /** The user of the client may not subscribe to these channels; why. */
  refused(channels: ReadonlyMap<string, unknown>): void;
  error(error: unknown): void;
}

/** The pause after a failed attempt: at first, and at most. Each is twice as long as the one before. */
const [firstPauseMs, longestPauseMs] = [50, 1_000];
/** How much longer than this one others may need for their connections and subscriptions, after the pause. */
const unevenMs = 250;
/** How long an attempt may take. */
const attemptMs = 10_000;
/** How long `close` waits for the answers to what was handed over before it. */
const closeMs = 2_000;

/**
 * Connects to Redis, again and again where that is needed. When a connection is lost, or a slot has moved, the whole of it is down until
 * everything is back: so nothing new overtakes what has to be handed over again.
 */
export class RedisConnection {
  readonly nodes: RedisNodes;
  readonly #options: RedisConnectionOptions;
  readonly #channels: () => Iterable<string>;
  readonly #events: RedisConnectionEvents;
  readonly #pending = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();
  readonly #pings: NodeJS.Timeout | undefined;
  #isUp = false;
  #isConnecting = false;
  /** Whether something was lost since the current attempt began. */
  #isStale = false;
  #pauseMs = firstPauseMs;
  #upAt = Number.NEGATIVE_INFINITY;
  /** When something failed first since it was last up, or opened, as `performance.now()`; undefined if nothing has. */
  #downAt: number | undefined;

  /** @param channels the channels that are to be subscribed to, whenever it connects */
  constructor(
    broker: RedisBroker,
    options: RedisConnectionOptions,
    channels: () => Iterable<string>,
    events: RedisConnectionEvents,
  ) {
    this.#options = options;
    this.#channels = channels;
    this.#events = events;
    this.nodes = new RedisNodes(broker, options.needsEveryMaster, {
      message: (channel, data) => {
        if (!this.isClosed) events.message(channel, data);
      },
      lost: (error, lastHeardAt) => this.#onLost(error, lastHeardAt),
      error: (error) => {
        if (!this.isClosed) events.error(error);
      },
    });
    const { pingIntervalMs } = options;
    if (pingIntervalMs > 0)
      this.#pings = setInterval(() => this.nodes.ping(pingIntervalMs), pingIntervalMs).unref();
    void this.#connect();
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /**
   * Does something with the connections, which are there. Where it fails because they are lost, everything is down before it rejects.
   *
   * @throws what the work rejects with
   */
  run<T>(work: () => Promise<T>): Promise<T> {
    const running = work().catch((error: unknown) => {
      this.check(error);
      throw error;
    });
    this.#pending.add(running);
    const settled = () => this.#pending.delete(running);
    running.then(settled, settled);
    return running;
  }

  /** Goes down if an error shows that the connections cannot be used. This may be known sooner than the event that tells of the loss. */
  check(error: unknown): void {
    if (!this.#isUp || !(isTransient(error) || !this.nodes.isOpen)) return;
    const { lastHeardAt } = this.nodes;
    // Closed, so that new connections are made: they may lead to the master.
    if (isDemotion(error)) this.nodes.close();
    this.#onLost(error, lastHeardAt);
  }

  /** Gives the connections up: what has not been answered fails. */
  giveUp(error: unknown): void {
    const { lastHeardAt } = this.nodes;
    this.nodes.close();
    this.#onLost(error, lastHeardAt);
  }

  async close(): Promise<void> {
    if (this.#isUp) {
      const answered = new AbortController();
      const settled = Promise.allSettled(this.#pending).then(() => answered.abort());
      await Promise.race([settled, sleep(closeMs, undefined, { signal: answered.signal }).catch(() => {})]);
    }
    this.#isUp = false;
    clearInterval(this.#pings);
    this.#closing.abort(createError(this.#options.code, "it is closed"));
    this.nodes.close();
  }

  #onLost(error: unknown, lastHeardAt: number): void {
    if (this.isClosed) return;
    this.#isUp = false;
    this.#isStale = true;
    this.#tellDown(error, lastHeardAt);
    void this.#connect();
  }

  #tellDown(cause: unknown, lastHeardAt?: number): void {
    this.#downAt ??= performance.now();
    const { error, isPermanent } = explain(cause, "Redis cannot be reached", this.#options.code);
    this.#events.down(error, isPermanent, lastHeardAt);
  }

  /** Tries until all connections and subscriptions are in place, or it is closed. Never rejects. */
  async #connect(): Promise<void> {
    if (this.#isConnecting) return;
    this.#isConnecting = true;
    // A connection that is lost again as soon as it is back must not be made again and again without a pause.
    if (performance.now() - this.#upAt < longestPauseMs) await this.#pause();
    else this.#pauseMs = firstPauseMs;
    while (!this.isClosed) {
      this.#isStale = false;
      try {
        await this.#arrange();
        // All that was handed over before the loss fails before `up`, so that it is handed over again before anything new.
        await Promise.allSettled(this.#pending);
        if (!this.#isStale) break;
      } catch (error) {
        if (!this.isClosed) this.#tellDown(error);
      }
      await this.#pause();
    }
    this.#isConnecting = false;
    if (this.isClosed) {
      this.nodes.close();
      return;
    }
    this.#isUp = true;
    const now = performance.now();
    // The pause of another one is at most about twice as long as the time since its first pause began.
    const longestOfOthersMs = Math.min(longestPauseMs, firstPauseMs + 2 * (now - (this.#downAt ?? now)));
    this.#upAt = now;
    this.#downAt = undefined;
    this.#events.up(longestOfOthersMs + unevenMs);
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
    const arrange = async () => {
      const refused = await this.nodes.arrange(this.#channels(), attempt.signal);
      await this.#options.prepare?.(this.nodes);
      return refused;
    };
    try {
      const refused = await abortable(attempt.signal, arrange(), () => this.nodes.close());
      if (refused.size > 0 && !this.isClosed) this.#events.refused(refused);
    } finally {
      clearTimeout(timer);
      this.#closing.signal.removeEventListener("abort", end);
    }
  }
}
