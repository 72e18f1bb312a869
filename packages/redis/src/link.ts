import type { BackplaneEvents, BackplaneLink, BackplaneMessage } from "@spry-ws/core";
import { createError, refusalOf } from "@spry-ws/core/adapter";
import type { ChannelMessage, RedisBroker } from "./broker.ts";
import { channelOf } from "./channel.ts";
import { RedisConnection } from "./connection.ts";
import { explainRefusal } from "./explain.ts";

export interface RedisLinkOptions {
  readonly prefix: string;
  readonly pingIntervalMs: number;
}

const code = "SPRY_WS_BACKPLANE";

/** One instance's use of Redis. */
export class RedisLink implements BackplaneLink {
  readonly #prefix: string;
  readonly #connection: RedisConnection;
  /** The wanted topics by their channels. */
  readonly #topics = new Map<string, string>();

  constructor(broker: RedisBroker, { prefix, pingIntervalMs }: RedisLinkOptions, events: BackplaneEvents) {
    this.#prefix = prefix;
    const options = { pingIntervalMs, code, needsEveryMaster: false } as const;
    this.#connection = new RedisConnection(broker, options, () => this.#topics.keys(), {
      message: (channel, data) => {
        const topic = this.#topics.get(channel.toString());
        if (topic !== undefined) events.message(topic, data);
      },
      up: (othersBackWithinMs) => events.up({ othersBackWithinMs }),
      down: (error, permanent, lastHeardAt) =>
        events.down(error, { permanent, ...(lastHeardAt !== undefined && { lastHeardAt }) }),
      refused: (channels) => {
        const refused = this.#giveUp(channels);
        if (refused.size > 0) events.refused(refused);
      },
      error: (error) => events.error(error),
    });
  }

  publish(messages: readonly BackplaneMessage[]): Promise<void> {
    return this.#run(async () => {
      const sent = messages.map(({ topic, data }) => ({
        channel: channelOf(this.#prefix, topic),
        data: Buffer.from(data.buffer, data.byteOffset, data.byteLength),
      }));
      const errors = await this.#connection.nodes.publish(sent);
      if (errors.size === 0) return;
      const refused = new Map<BackplaneMessage, unknown>();
      for (const [index, message] of messages.entries()) {
        const error = errors.get(sent[index] as ChannelMessage);
        if (error) refused.set(message, explainRefusal(error, code));
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
        errors = await this.#connection.nodes.subscribe(channels);
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
    return this.#run(() => this.#connection.nodes.unsubscribe(channels));
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  #run(work: () => Promise<void>): Promise<void> {
    if (!this.#connection.isUp)
      return Promise.reject(createError(code, "the backplane is not connected to Redis"));
    return this.#connection.run(work).catch((error: unknown) => {
      throw explainRefusal(error, code);
    });
  }

  /** Forgets the channels that were refused. @returns their topics, with the errors for the user */
  #giveUp(errors: ReadonlyMap<string, unknown>): Map<string, unknown> {
    const refused = new Map<string, unknown>();
    for (const [channel, error] of errors) {
      const topic = this.#topics.get(channel);
      if (topic !== undefined) refused.set(topic, explainRefusal(error, code));
      this.#topics.delete(channel);
    }
    return refused;
  }
}
