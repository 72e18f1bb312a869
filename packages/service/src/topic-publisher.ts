import type { Contract, DurablePattern, TopicMessage, TopicParams, TopicPattern } from "@spry-ws/contract";
import { contractError, encodeFrame, topicOf } from "@spry-ws/contract/wire";
import type { History, HistoryRetention, SpryWs } from "@spry-ws/core";
import { addSpeaker } from "@spry-ws/core/adapter";
import { Definitions } from "./handlers.ts";
import { DurableTopics } from "./history/durable-topics.ts";
import { type Published, type PublishOptions, publishTo } from "./history/publishing.ts";
import { resolveRetention } from "./history/retention.ts";
import { encodeStored } from "./history/stored.ts";
import type { TopicHistoryOptions } from "./implementation.ts";
import { resolveLimits } from "./options.ts";
import { coreTopic } from "./subscriptions.ts";

/** What carries a service's messages: the instance, or what `createPublisher` makes. */
export type ServiceCarrier = Pick<SpryWs, "publish">;

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

/** What `createTopicPublisher` needs for durable topics. */
export interface TopicPublisherOptions<C extends Contract> {
  /** The store, as that of the service. */
  readonly history: History;
  /** How much of each durable topic is kept: as that of the service. */
  readonly topics?: { readonly [Pattern in DurablePattern<C>]?: { readonly history?: TopicHistoryOptions } };
}

/**
 * Publishes to the topics of a contract from a process that has no peers: a worker, a cron job.
 *
 * @param publisher what core's `createPublisher({ backplane })` gives; its `close()` also waits for what is published to durable topics
 * @param options needed for durable topics
 * @throws TypeError `SPRY_WS_CONTRACT` for options that are none
 * @example
 * await using publisher = createPublisher({ backplane: redis({ client }) });
 * const topics = createTopicPublisher(publisher, chat, { history: redisHistory({ client }) });
 * await topics.publish("rooms/:room", { room: "42" }, { from: "clock", text: "noon" });
 */
export function createTopicPublisher<C extends Contract>(
  publisher: ServiceCarrier,
  contract: C,
  options?: TopicPublisherOptions<C>,
): TopicPublisher<C> {
  const caller = "createTopicPublisher(publisher, contract, options)";
  assertCarrier(publisher, caller);
  const definitions = new Definitions(contract);
  const retentions = resolveRetentions(definitions, options?.topics);
  const durable = options && openTopics(publisher, options.history, caller);
  const topics = new TopicsPublisher(publisher, definitions, durable, retentions);
  return {
    publish: (pattern, params, message, ...[options]) =>
      topics.publish(pattern, params, message, options) as never,
  };
}

function openTopics(publisher: ServiceCarrier, history: History, caller: string): DurableTopics {
  assertHistory(history, caller);
  let report: (error: unknown) => void = console.error;
  const durable = new DurableTopics({ history, limits: resolveLimits(), report: (error) => report(error) });
  const rest = durable.rest.bind(durable);
  report = addSpeaker(publisher, { subprotocol: "", leaving() {}, rest }) ?? report;
  return durable;
}

/** The retention of each durable topic, by its pattern. @throws TypeError `SPRY_WS_CONTRACT` for options that are none */
export function resolveRetentions(
  { durable }: Definitions,
  topics: Readonly<Record<string, { readonly history?: TopicHistoryOptions } | undefined>> = {},
): ReadonlyMap<string, HistoryRetention> {
  return new Map(durable.map((pattern) => [pattern, resolveRetention(pattern, topics[pattern]?.history)]));
}

/** Publishes to the topics of a contract, as a service or without one. */
export class TopicsPublisher {
  readonly #carrier: ServiceCarrier;
  readonly #definitions: Definitions;
  readonly #durable: DurableTopics | undefined;
  readonly #retentions: ReadonlyMap<string, HistoryRetention>;

  constructor(
    carrier: ServiceCarrier,
    definitions: Definitions,
    durable: DurableTopics | undefined,
    retentions: ReadonlyMap<string, HistoryRetention>,
  ) {
    this.#carrier = carrier;
    this.#definitions = definitions;
    this.#durable = durable;
    this.#retentions = retentions;
  }

  /** @returns a promise for a durable topic */
  publish(
    pattern: string,
    params: Readonly<Record<string, string>>,
    message: unknown,
    options?: PublishOptions,
  ): Promise<Published> | undefined {
    this.#definitions.checkMessage(pattern, message);
    const topic = topicOf(pattern, params);
    const retention = this.#retentions.get(pattern);
    if (!retention) {
      this.#carrier.publish(coreTopic(topic), encodeFrame(["m", topic, null, message]));
      return undefined;
    }
    if (!this.#durable)
      throw contractError(
        `the topic "${pattern}" is durable: write createTopicPublisher(publisher, contract, { history })`,
      );
    return publishTo(this.#durable, { topic, data: encodeStored(message), retention }, options);
  }
}

/** @throws TypeError `SPRY_WS_CONTRACT` for what is no history */
export function assertHistory(history: unknown, caller: string): asserts history is History {
  if (typeof (Object(history) as Partial<History>).open !== "function")
    throw contractError(
      `${caller}: "history" must be a history, like memoryHistory() or redisHistory({ client })`,
    );
}

export function assertCarrier(spry: unknown, caller: string): void {
  if (typeof (Object(spry) as Partial<ServiceCarrier>).publish !== "function")
    throw contractError(
      `${caller} takes what spryWs() gives (in Fastify app.spryWs) first; it must have a method "publish"`,
    );
}
