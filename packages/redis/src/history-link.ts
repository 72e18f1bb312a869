import type {
  HistoryAppend,
  HistoryEvents,
  HistoryLink,
  HistoryPage,
  HistoryPosition,
  HistoryRead,
} from "@spry-ws/core";
import { createError, notAppended } from "@spry-ws/core/adapter";
import type { RedisBroker } from "./broker.ts";
import { RedisConnection } from "./connection.ts";
import { explainRefusal, isAnswer } from "./explain.ts";
import { encode, keysOf } from "./history-keys.ts";
import { fromPosition, randomName, toPosition } from "./history-position.ts";
import { append, read, readHead } from "./history-scripts.ts";
import { loadScripts, ScriptCalls, Unsent } from "./script-calls.ts";

export interface RedisHistoryLinkOptions {
  readonly prefix: string;
  readonly pingIntervalMs: number;
  readonly forgetAfterMs: number;
}

/** A topic that is subscribed to. */
interface Subscribed {
  readonly topic: string;
  /** What was told of it last. */
  last: HistoryPosition | undefined;
}

const code = "SPRY_WS_HISTORY";

/** One service's use of a history in Redis. */
export class RedisHistoryLink implements HistoryLink {
  readonly #prefix: string;
  readonly #forgetAfterMs: string;
  readonly #events: HistoryEvents;
  readonly #connection: RedisConnection;
  readonly #calls: ScriptCalls;
  /** By their channels. */
  readonly #subscribed = new Map<string, Subscribed>();

  constructor(broker: RedisBroker, options: RedisHistoryLinkOptions, events: HistoryEvents) {
    const { prefix, pingIntervalMs, forgetAfterMs } = options;
    this.#prefix = prefix;
    this.#forgetAfterMs = String(forgetAfterMs);
    this.#events = events;
    this.#connection = new RedisConnection(
      broker,
      { pingIntervalMs, code, needsEveryMaster: true, prepare: loadScripts },
      () => this.#subscribed.keys(),
      {
        message: (channel, data) => this.#onMessage(channel, data),
        up: () => events.up(),
        down: (reason, isPermanent) => {
          this.#calls.fail(reason);
          events.down(reason, isPermanent);
        },
        refused: (channels) => {
          const error = this.#forget(channels);
          if (error) events.error(error);
        },
        error: (error) => events.error(error),
      },
    );
    this.#calls = new ScriptCalls(this.#connection);
  }

  async append(topic: string, { data, id, idWindowMs, retention }: HistoryAppend): Promise<HistoryPosition> {
    const { meta, log, ids, channel } = keysOf(this.#prefix, topic);
    try {
      const answer = await this.#calls.call({
        script: append,
        keys: [meta, log],
        args: [
          randomName(),
          this.#forgetAfterMs,
          channel,
          this.#connection.nodes.isSharded ? "SPUBLISH" : "PUBLISH",
          whole(idWindowMs),
          whole(retention.maxMessages),
          whole(retention.maxAgeMs),
        ],
        part: {
          key: ids + encode(id),
          args: [randomName(), Buffer.from(data.buffer, data.byteOffset, data.byteLength)],
        },
      });
      if (!Array.isArray(answer)) return toPosition(answer as Buffer).position;
      const [position, failure] = answer as [Buffer, Buffer];
      this.#events.error(createError(code, `a message was stored, but subscribers are not told: ${failure}`));
      return toPosition(position).position;
    } catch (error) {
      const isCertain = error instanceof Unsent || isAnswer(error);
      throw isCertain ? notAppended(explained(error)) : explained(error);
    }
  }

  async read(topic: string, { from, maxMessages, maxBytes }: HistoryRead): Promise<HistoryPage> {
    const { meta, log } = keysOf(this.#prefix, topic);
    const limits = [randomName(), this.#forgetAfterMs, whole(maxMessages), whole(maxBytes)];
    const args = [...limits, ...beginningOf(from)];
    const answer = await orExplained(this.#calls.call({ script: read, keys: [meta, log], args }));
    // An option of the client may make strings of numbers.
    const [headText, isContinuous, hasMore, list] = answer as [Buffer, unknown, unknown, Buffer[]];
    const { position: head } = toPosition(headText);
    const entries = [];
    for (let at = 0; at < list.length; at += 3) {
      const [seq, tag, data] = list.slice(at, at + 3) as [Buffer, Buffer, Buffer];
      entries.push({ position: { epoch: head.epoch, seq: Number(seq), tag: tag.toString() }, data });
    }
    return { entries, isContinuous: String(isContinuous) === "1", head, hasMore: String(hasMore) === "1" };
  }

  heads(topics: readonly string[]): Promise<HistoryPosition[]> {
    const calls = topics.map(async (topic) => {
      const { meta, log } = keysOf(this.#prefix, topic);
      const args = [randomName(), this.#forgetAfterMs];
      const answer = await this.#calls.call({ script: readHead, keys: [meta, log], args });
      return toPosition(answer as Buffer).position;
    });
    return orExplained(Promise.all(calls));
  }

  async subscribe(topics: readonly string[]): Promise<void> {
    if (!this.#connection.isUp) throw explained(new Unsent());
    const channels = topics.map((topic) => keysOf(this.#prefix, topic).channel);
    for (const [index, channel] of channels.entries())
      this.#subscribed.set(channel, { topic: topics[index] as string, last: undefined });
    const subscribed = this.#connection.run(() => this.#connection.nodes.subscribe(channels));
    const refused = await orExplained(subscribed).catch((error: unknown) => {
      // The caller tries again.
      for (const channel of channels) this.#subscribed.delete(channel);
      throw error;
    });
    const error = this.#forget(refused);
    if (error) throw error;
  }

  async unsubscribe(topics: readonly string[]): Promise<void> {
    const channels = topics.map((topic) => keysOf(this.#prefix, topic).channel);
    for (const channel of channels) this.#subscribed.delete(channel);
    if (!this.#connection.isUp) return;
    await orExplained(this.#connection.run(() => this.#connection.nodes.unsubscribe(channels)));
  }

  async close(): Promise<void> {
    this.#calls.flush();
    await this.#connection.close();
    this.#calls.fail(new Error("the history was closed before the answer"));
  }

  #onMessage(channel: Buffer, data: Buffer): void {
    const subscribed = this.#subscribed.get(channel.toString());
    const end = data.indexOf("\n");
    if (!subscribed || end < 0) return;
    const { position, more: previousTag } = toPosition(data.subarray(0, end));
    const { last } = subscribed;
    subscribed.last = position;
    const { epoch, seq } = position;
    // After a failover the message before this one may be another one than was told here under that number.
    const isKnown = !last || last.epoch !== epoch || last.seq !== seq - 1 || last.tag === previousTag;
    const entry = { position, data: data.subarray(end + 1) };
    this.#events.appended(subscribed.topic, entry, isKnown ? seq - 1 : undefined);
  }

  /** Forgets channels that were refused. @returns the error for the user, if there are any */
  #forget(refused: ReadonlyMap<string, unknown>): Error | undefined {
    const topics: string[] = [];
    for (const channel of refused.keys()) {
      const subscribed = this.#subscribed.get(channel);
      if (subscribed) topics.push(JSON.stringify(subscribed.topic));
      this.#subscribed.delete(channel);
    }
    const [reason] = refused.values();
    if (topics.length === 0) return undefined;
    const { message } = explainRefusal(reason, code);
    return createError(code, `cannot be subscribed to: ${topics.join(", ")}: ${message}`, reason);
  }
}

/** The error for the user. */
function explained(error: unknown): Error {
  return error instanceof Unsent ? createError(code, error.message) : explainRefusal(error, code);
}

async function orExplained<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw explained(error);
  }
}

/** A number as Redis takes it. Larger ones mean no bound. */
function whole(value: number): string {
  return String(Math.min(Math.max(0, Math.ceil(value)), 1e13));
}

function beginningOf(from: HistoryRead["from"]): string[] {
  if (from === "start") return ["start"];
  if ("last" in from) return ["last", whole(from.last)];
  return ["behind", ...fromPosition(from)];
}
