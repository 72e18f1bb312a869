import type { Contract, DurablePattern, TopicMessage, TopicParams, TopicPattern } from "@spry-ws/contract";
import { contractError } from "@spry-ws/contract/wire";
import type { History, ReadyOptions } from "@spry-ws/core";
import { addSpeaker } from "@spry-ws/core/adapter";
import { Definitions } from "./handlers.ts";
import { DurableTopics } from "./history/durable-topics.ts";
import { historyMetrics } from "./history/history-metrics.ts";
import type { Published, PublishOptions } from "./history/publishing.ts";
import type { TopicHistoryOptions } from "./implementation.ts";
import { resolveLimits } from "./options.ts";
import {
  assertCarrier,
  assertHistory,
  resolveRetentions,
  type ServiceCarrier,
  TopicsPublisher,
} from "./topics-publisher.ts";

/** What publishes to the topics of a contract. */
export interface TopicPublisher<C extends Contract> {
  /**
   * Sends a message to every subscriber of a topic, in all processes that share the backplane. To a durable topic, in all that share the
   * history: the promise resolves when the store has the message, and subscribers in this process get it then too.
   *
   * @param pattern as in the contract, with `params` for its parameters
   * @param options of a durable topic: `id` and `timeoutMs`
   * @returns for a durable topic a promise of the message's position. It rejects with `SPRY_WS_NOT_PUBLISHED` where the message is
   * certainly not stored, and after `timeoutMs` with `SPRY_WS_MAYBE_PUBLISHED` where nobody knows
   * @throws TypeError `SPRY_WS_CONTRACT` for an unknown topic or parameter, or a message that the contract's schema refuses
   * @example
   * live.publish("cursors/:room", { room: "42" }, { x: 1, y: 2 });
   * const { position } = await live.publish("rooms/:room", { room: "42" }, { from: "ada", text: "hello" }, { id });
   */
  publish<Pattern extends TopicPattern<C>>(
    pattern: Pattern,
    params: TopicParams<Pattern>,
    message: TopicMessage<C, Pattern>,
    ...options: [Pattern] extends [DurablePattern<C>] ? [options?: PublishOptions] : []
  ): [Pattern] extends [DurablePattern<C>] ? Promise<Published> : void;
}

/** What publishes to the durable topics of a contract, with nothing but their history. */
export interface HistoryPublisher<C extends Contract> {
  /**
   * Publishes to a durable topic, as `TopicPublisher` does.
   *
   * @throws TypeError `SPRY_WS_CONTRACT` for a topic that is not durable: that needs a publisher
   */
  publish<Pattern extends DurablePattern<C>>(
    pattern: Pattern,
    params: TopicParams<Pattern>,
    message: TopicMessage<C, Pattern>,
    options?: PublishOptions,
  ): Promise<Published>;
  /**
   * Resolves when the history can be reached.
   *
   * @param options `timeoutMs`, in milliseconds: 10_000 if you say nothing
   * @throws Error `SPRY_WS_HISTORY` (rejects) after `timeoutMs`, or as soon as it is clear that it cannot
   */
  ready(options?: ReadyOptions): Promise<void>;
  /**
   * Waits for what is being published, for no longer than `deadlineMs` (10_000 if you say nothing), and closes what the history has opened.
   * Never rejects.
   */
  close(options?: { readonly deadlineMs?: number }): Promise<void>;
  /** `await using topics = createTopicPublisher(…)`: the same as `close()`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What `createTopicPublisher` needs for durable topics. */
export interface TopicPublisherOptions<C extends Contract> {
  /** The store, as that of the service. */
  readonly history: History;
  /** How much of each durable topic is kept: as that of the service. */
  readonly topics?: { readonly [Pattern in DurablePattern<C>]?: { readonly history?: TopicHistoryOptions } };
}

/** The same, and what else a publisher would bring. */
export interface HistoryPublisherOptions<C extends Contract> extends TopicPublisherOptions<C> {
  /** Takes the errors of the store that belong to no call, such as outages. @default console.error */
  readonly onError?: (error: unknown) => unknown;
}

/**
 * Publishes to the topics of a contract from a process that has no peers: a worker, a cron job. For durable topics their history is
 * enough; the others need a publisher.
 *
 * @param publisher what core's `createPublisher({ backplane })` gives; its `close()` also waits for what is published to durable topics
 * @param options needed for durable topics
 * @throws TypeError `SPRY_WS_CONTRACT` for options that are none
 * @example
 * await using topics = createTopicPublisher(chat, { history: redisHistory({ client }) });
 * await topics.publish("rooms/:room", { room: "42" }, { from: "clock", text: "noon" }, { id: "noon-2026-11-25" });
 * // The other topics too:
 * await using publisher = createPublisher({ backplane: redis({ client }) });
 * const all = createTopicPublisher(publisher, chat, { history: redisHistory({ client }) });
 */
export function createTopicPublisher<C extends Contract>(
  contract: C,
  options: HistoryPublisherOptions<C>,
): HistoryPublisher<C>;
export function createTopicPublisher<C extends Contract>(
  publisher: ServiceCarrier,
  contract: C,
  options?: TopicPublisherOptions<C>,
): TopicPublisher<C>;
export function createTopicPublisher(
  first: ServiceCarrier | Contract,
  second: Contract | HistoryPublisherOptions<Contract>,
  third?: TopicPublisherOptions<Contract>,
): unknown {
  return isOptions(second)
    ? withHistoryAlone(first as Contract, second)
    : withPublisher(first as ServiceCarrier, second, third);
}

/** No contract has such a member. */
function isOptions(value: object): value is HistoryPublisherOptions<Contract> {
  return Object.hasOwn(Object(value), "history");
}

function withPublisher(
  publisher: ServiceCarrier,
  contract: Contract,
  options?: TopicPublisherOptions<Contract>,
) {
  const caller = "createTopicPublisher(publisher, contract, options)";
  assertCarrier(publisher, caller);
  const definitions = new Definitions(contract);
  const retentions = resolveRetentions(definitions, options?.topics);
  let report: (error: unknown) => void = console.error;
  const durable = options && openTopics(options.history, caller, (error) => report(error));
  if (durable) {
    const [rest, ready] = [durable.rest.bind(durable), durable.ready.bind(durable)];
    const metrics = () => historyMetrics(durable);
    report = addSpeaker(publisher, { subprotocol: "", leaving() {}, rest, ready, metrics }) ?? report;
  }
  const topics = new TopicsPublisher(publisher, definitions, durable, retentions);
  return { publish: topics.publish.bind(topics) };
}

function withHistoryAlone(contract: Contract, options: HistoryPublisherOptions<Contract>) {
  const caller = "createTopicPublisher(contract, { history })";
  const { onError = console.error } = options;
  if (typeof onError !== "function") throw contractError(`${caller}: "onError" must be a function`);
  const definitions = new Definitions(contract);
  const retentions = resolveRetentions(definitions, options.topics);
  if (retentions.size === 0)
    throw contractError(
      `${caller}: the contract has no durable topic; write "history: true" beside its "message", or createTopicPublisher(publisher, contract)`,
    );
  const durable = openTopics(options.history, caller, (error) => reportTo(onError, error));
  const topics = new TopicsPublisher(undefined, definitions, durable, retentions);
  const close = async (given?: { readonly deadlineMs?: number }) =>
    durable.rest(duration(given, "deadlineMs", "close(options)"), true);
  return {
    publish: topics.publish.bind(topics),
    ready: async (given?: ReadyOptions) => durable.ready(duration(given, "timeoutMs", "ready(options)")),
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}

function openTopics(history: History, caller: string, report: (error: unknown) => void): DurableTopics {
  assertHistory(history, caller);
  return new DurableTopics({ history, limits: resolveLimits(), report });
}

/** @throws TypeError `SPRY_WS_CONTRACT` for what is no duration in milliseconds */
function duration(options: object = {}, name: string, caller: string): number {
  const { [name]: value = 10_000, ...others } = Object(options) as Record<string, unknown>;
  for (const other of Object.keys(others))
    throw contractError(`${caller} has no option "${other}"; there is ${name}`);
  if (typeof value !== "number" || !(value >= 0))
    throw contractError(`${caller}: "${name}" must be a number of milliseconds from 0`);
  return value;
}

/** Never throws, whatever the user's function does. */
function reportTo(onError: (error: unknown) => unknown, error: unknown): void {
  const failed = (failure: unknown) => console.error(failure, error);
  try {
    void Promise.resolve(onError(error)).then(undefined, failed);
  } catch (failure) {
    failed(failure);
  }
}
