import { contractError, encodeFrame, topicOf } from "@spry-ws/contract/wire";
import type { History, HistoryRetention, SpryWs } from "@spry-ws/core";
import type { Definitions } from "./handlers.ts";
import type { DurableTopics } from "./history/durable-topics.ts";
import { type Published, type PublishOptions, publishTo } from "./history/publishing.ts";
import { resolveRetention } from "./history/retention.ts";
import { encodeStored } from "./history/stored.ts";
import type { TopicHistoryOptions } from "./implementation.ts";
import { coreTopic } from "./subscriptions.ts";

/** What carries a service's messages: the instance, or what `createPublisher` makes. Only an instance knows who is there. */
export type ServiceCarrier = Pick<SpryWs, "publish"> & Partial<Pick<SpryWs, "subscribe" | "ready">>;

/** The retention of each durable topic, by its pattern. @throws TypeError `SPRY_WS_CONTRACT` for options that are none */
export function resolveRetentions(
  { durable }: Definitions,
  topics: Readonly<Record<string, { readonly history?: TopicHistoryOptions } | undefined>> = {},
): ReadonlyMap<string, HistoryRetention> {
  return new Map(durable.map((pattern) => [pattern, resolveRetention(pattern, topics[pattern]?.history)]));
}

/** Publishes to the topics of a contract, as a service or without one. Without a carrier there are only durable ones. */
export class TopicsPublisher {
  readonly #carrier: ServiceCarrier | undefined;
  readonly #definitions: Definitions;
  readonly #durable: DurableTopics | undefined;
  readonly #retentions: ReadonlyMap<string, HistoryRetention>;

  constructor(
    carrier: ServiceCarrier | undefined,
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
      if (!this.#carrier)
        throw contractError(
          `the topic "${pattern}" is not durable, and needs a publisher: write createTopicPublisher(publisher, contract, { history })`,
        );
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
