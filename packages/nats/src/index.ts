export { type JetStreamHistoryOptions, jetStreamHistory } from "./jetstream/jet-stream-history.ts";
export { type NatsOptions, nats } from "./nats.ts";
export type {
  NatsConnectionLike,
  NatsHeadersLike,
  NatsMessageLike,
  NatsStatusLike,
  NatsSubscriptionLike,
} from "./types.ts";
