export { type NatsOptions, nats } from "./nats.ts";
export type { NatsConnectionLike, NatsStatusLike, NatsSubscriptionLike } from "./types.ts";
