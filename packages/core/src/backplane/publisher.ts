import type { Backplane } from "../backplane.ts";
import { resolveClosing } from "../close-frame.ts";
import { createError } from "../errors.ts";
import { type MessageData, toPayload } from "../message.ts";
import { Counters } from "../observe/metrics.ts";
import { reportError } from "../observe/report.ts";
import { durationOf } from "../options/call-options.ts";
import type { SpryWsOptions } from "../options/options.ts";
import { resolveOptions } from "../options/resolve-options.ts";
import { Speakers, type Speaking } from "../speakers.ts";
import { assertTopic } from "../topics.ts";
import { encodeControl } from "./controls.ts";
import { type ReadyOptions, Relay } from "./relay.ts";

/** The options of `createPublisher(options)`; they mean what they mean in `spryWs(options)`. */
export type PublisherOptions = { backplane: Backplane } & Pick<SpryWsOptions, "backplaneBuffer" | "onError">;

/** What `createPublisher(options)` makes. */
export interface Publisher {
  /**
   * Sends a message to every subscriber of a topic, in all processes that share the backplane.
   *
   * @throws TypeError `SPRY_WS_DATA` for data that is neither text nor bytes
   */
  publish(topic: string, data: MessageData): void;
  /**
   * Closes every subscriber of a topic, in all processes that share the backplane: as `spry.disconnect`.
   *
   * @throws RangeError `SPRY_WS_CLOSE` for a code that must not be sent
   */
  disconnect(topic: string, code?: number, reason?: string): void;
  /**
   * Resolves when the backplane can be reached, and the histories of durable topics that are published to with it; rejects with
   * `SPRY_WS_BACKPLANE` or `SPRY_WS_HISTORY` after `timeoutMs`.
   */
  ready(options?: ReadyOptions): Promise<void>;
  /**
   * Waits until the backplane has what was published, for no longer than `deadlineMs` (default 10_000), and then closes its link. Never
   * rejects: if not everything could be handed over, that is reported to `onError`.
   */
  close(options?: { deadlineMs?: number }): Promise<void>;
  /** `await using publisher = createPublisher(…)`: the same as `close()`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Publishes from a process that has no peers and needs no server: a worker, a cron job, a queue's consumer.
 *
 * @throws TypeError `SPRY_WS_OPTION` without a backplane
 * @example
 * await using publisher = createPublisher({ backplane: redis({ client }) });
 * publisher.publish("news", Message.json({ headline }));
 */
export function createPublisher(options: PublisherOptions): Publisher {
  const caller = "createPublisher(options)";
  const names = ["backplane", "backplaneBuffer", "onError"];
  const { backplane, backplaneBuffer, onError } = resolveOptions(options, caller, names);
  if (!backplane) {
    throw createError(
      "SPRY_WS_OPTION",
      `${caller}: "backplane" must be a backplane; a publisher has nobody else to reach`,
    );
  }
  const speakers = new Speakers((error) => reportError(onError, error, { stage: "history" }));
  const relay = new Relay(backplane, backplaneBuffer, {
    counters: new Counters(),
    deliver: () => {},
    control: () => {},
    report: (error) => reportError(onError, error, { stage: "backplane" }),
  });
  const close: Publisher["close"] = async (options) => {
    const deadlineMs = durationOf(options, "deadlineMs", 10_000, "close(options)");
    await Promise.all([relay.close(deadlineMs), speakers.rest(deadlineMs, true)]);
  };
  const publisher: Publisher & Speaking = {
    speakers,
    publish(topic, data) {
      assertTopic(topic, "publish(topic, data)");
      relay.publish(topic, toPayload(data, "publish(topic, data)"));
    },
    disconnect(topic, code, reason) {
      assertTopic(topic, "disconnect(topic, code, reason)");
      const closing = resolveClosing(code, reason, "disconnect(topic, code, reason)");
      relay.publish(topic, encodeControl({ kind: "disconnect", ...closing }), true);
    },
    async ready(options) {
      const timeoutMs = durationOf(options, "timeoutMs", 10_000, "ready(options)");
      await Promise.all([relay.ready({ timeoutMs }), speakers.ready(timeoutMs)]);
    },
    close,
    [Symbol.asyncDispose]: () => close(),
  };
  return publisher;
}
