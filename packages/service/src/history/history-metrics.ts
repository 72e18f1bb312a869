import type { ExtraMetric } from "@spry-ws/core/adapter";
import type { Feed } from "./feed.ts";
import type { HistoryCounts } from "./history-counts.ts";

export interface Counted {
  readonly counts: HistoryCounts;
  readonly feeds: Iterable<Feed>;
  readonly state: { readonly isUp: boolean };
}

/** What an operator wants to know of durable topics. */
export function historyMetrics({ counts, feeds, state }: Counted): readonly ExtraMetric[] {
  let [topics, subscriptions, behind] = [0, 0, 0];
  for (const { users, live } of feeds) {
    topics++;
    subscriptions += users;
    behind += users - live;
  }
  const gauge = (name: string, value: number, help: string): ExtraMetric => ({
    name,
    type: "gauge",
    help,
    value,
  });
  const counter = (name: string, value: number, help: string): ExtraMetric => ({
    name,
    type: "counter",
    help,
    value,
  });
  return [
    gauge("durableStoresDown", Number(!state.isUp), "Stores of durable topics that cannot be reached"),
    gauge("durableTopics", topics, "Durable topics that are followed in this process"),
    gauge("durableSubscriptions", subscriptions, "Subscriptions of peers to durable topics"),
    gauge("durableSubscriptionsBehind", behind, "Subscriptions that have not got all that was published"),
    counter("durablePublished", counts.published, "Messages that were appended to their log"),
    counter("durableNotPublished", counts.notPublished, "Messages that were certainly not appended"),
    counter(
      "durableMaybePublished",
      counts.maybePublished,
      "Messages of which the store said nothing in time",
    ),
    counter("durableReads", counts.reads, "Reads of the store, for those who catch up"),
    counter("durableRetries", counts.retries, "Calls of the store that failed and were tried again"),
    counter("durableGaps", counts.gaps, "Gaps that subscribers were told of"),
    counter("durableSlow", counts.slow, "Times a subscriber did not take a message and went on from the log"),
  ];
}
