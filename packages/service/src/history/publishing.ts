import { contractError, encodePosition } from "@spry-ws/contract/wire";
import type { HistoryAppend, HistoryPosition, HistoryRetention } from "@spry-ws/core";
import { createError, isNotAppended } from "@spry-ws/core/adapter";
import { Deadline } from "./deadline.ts";
import { randomWord } from "./random-word.ts";

/** Where a message is in the log of its topic. */
export interface Published {
  /** As subscribers get it with the message: text to store and to compare with nothing. */
  readonly position: string;
}

/** The options of `publish` for a durable topic. */
export interface PublishOptions {
  /**
   * Names the message, up to 256 characters: whatever is published to this topic under the same id within two minutes is the same
   * message. It is stored once, and every call gets its position. In the handler of a request, give its `id`.
   * @default a random one
   */
  readonly id?: string;
  /** How long the store may take, with all tries, in milliseconds; at the start of the process with its connection. @default 5_000 // 5 seconds */
  readonly timeoutMs?: number;
}

/** For how long ids are remembered, in milliseconds: also the default of JetStream. */
const idWindowMs = 120_000;

/** What the store needs beyond `timeoutMs` for the last try of a publish that has no id of its own, in milliseconds. */
const lastTryMs = 20_000;

const [firstRetryMs, maxRetryMs] = [50, 1_000];

const maxMs = 2 ** 31 - 1;

/** What appends to the logs. */
export interface Appender {
  /** Begins the work when the store has been reached for the first time. Rejects with `notAppended` where that takes longer. */
  onceReached<T>(timeoutMs: number, work: () => Promise<T>): Promise<T>;
  append(topic: string, message: HistoryAppend): Promise<HistoryPosition>;
}

export interface StoredMessage {
  readonly topic: string;
  readonly data: Uint8Array;
  readonly retention: HistoryRetention;
}

/**
 * Appends a message to the log of its topic. What may have failed is tried again under the same id, as long as there is time.
 *
 * @throws TypeError `SPRY_WS_CONTRACT` for options that are none
 * @throws Error `SPRY_WS_NOT_PUBLISHED` (rejects) where it is certainly not stored, `SPRY_WS_MAYBE_PUBLISHED` where it may be
 */
export function publishTo(
  appender: Appender,
  { topic, data, retention }: StoredMessage,
  options: PublishOptions = {},
): Promise<Published> {
  const { id, timeoutMs } = resolve(options);
  const append: HistoryAppend = {
    data,
    id: id ?? randomWord(),
    idWindowMs: id === undefined ? Math.min(timeoutMs + lastTryMs, idWindowMs) : idWindowMs,
    retention,
  };
  const endsAt = performance.now() + timeoutMs;
  return appender.onceReached(timeoutMs, () => appendUntil(endsAt, () => appender.append(topic, append)));
}

async function appendUntil(endsAt: number, append: () => Promise<HistoryPosition>): Promise<Published> {
  let cause: unknown;
  let mayBeStored = false;
  for (let retryMs = firstRetryMs; ; retryMs = Math.min(2 * retryMs, maxRetryMs)) {
    const result = await inTime(endsAt, append());
    if ("position" in result) return { position: encodePosition(result.position) };
    const isCertain = isNotAppended(result.error);
    if (isCertain && !mayBeStored) throw result.error;
    // What is said of a later try says nothing of the first.
    if (!isCertain || cause === undefined) cause = result.error;
    mayBeStored = true;
    if (performance.now() + retryMs >= endsAt)
      throw createError(
        "SPRY_WS_MAYBE_PUBLISHED",
        "the store did not confirm the message in time; publish it again under the same id, and it is stored once",
        cause,
      );
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
}

type Result = { readonly position: HistoryPosition } | { readonly error: unknown };

/** Never rejects. */
function inTime(endsAt: number, appended: Promise<HistoryPosition>): Promise<Result> {
  return new Promise((resolve) => {
    const deadline = new Deadline(endsAt, () =>
      resolve({ error: new Error("the store did not answer in time") }),
    );
    const settle = (result: Result) => {
      deadline.clear();
      resolve(result);
    };
    appended.then(
      (position) => settle({ position }),
      (error: unknown) => settle({ error }),
    );
  });
}

function resolve(options: PublishOptions): { id: string | undefined; timeoutMs: number } {
  if (typeof options !== "object" || options === null)
    throw contractError(`publish() to a durable topic takes { id, timeoutMs } as its options`);
  const { id, timeoutMs = 5_000, ...others } = options;
  for (const name of Object.keys(others))
    throw contractError(`publish() has no option "${name}"; there are id and timeoutMs`);
  if (id !== undefined && (typeof id !== "string" || id === "" || id.length > 256))
    throw contractError('publish(): "id" must be a string of 1 to 256 characters');
  if (!Number.isFinite(timeoutMs) || timeoutMs < 1 || timeoutMs > maxMs)
    throw contractError(`publish(): "timeoutMs" must be a number of milliseconds from 1 to ${maxMs}`);
  return { id, timeoutMs };
}
